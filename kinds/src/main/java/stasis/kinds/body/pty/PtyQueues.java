package stasis.kinds.body.pty;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.resource.HiddenTerminal;

/// What a pseudoterminal holds that nobody has read.
///
/// @param output what the master has not read @param input what the slave has not, and the beginning of a line
/// @param ends a bit for each byte of it: here a line ends @param wholeBytes how much of it belongs to whole lines
/// @param pushed whether the first line is what was there when lines began @param literalNext whether the next
///     character would be taken as it is @param echo whether some was still to be shown
record PtyQueues(@Tag(1) Bytes output, @Tag(2) Bytes input, @Tag(3) Bytes ends, @Tag(4) int wholeBytes,
    @Tag(5) boolean pushed, @Tag(6) boolean literalNext, @Tag(7) boolean echo) {
  /// A line discipline has room for this much and the character that tells when it has all (drivers/tty/n_tty.c).
  static final int INPUT_BYTES_MAX = 4094;
  private static final int OUTPUT_BYTES_MAX = 1 << 20;
  private static final int NEWLINE = '\n';
  /// What stands for the end of a file in the queue, and for a character that is not set.
  private static final int END_OF_FILE = 0;
  private static final int MARKS = 4;
  private static final int LINE_ENDS_MAX = 2;

  PtyQueues {
    if (output.length() > OUTPUT_BYTES_MAX || input.length() > INPUT_BYTES_MAX
        || ends.length() != input.length() + 7 >>> 3 || wholeBytes < 0 || wholeBytes > input.length()) {
      throw new IllegalArgumentException("no terminal holds " + output.length() + " and " + input.length() + " bytes");
    }
  }

  static PtyQueues of(HiddenTerminal hidden) {
    HiddenTerminal.Input input = hidden.input();
    return new PtyQueues(hidden.output(), input.content(), input.ends(), input.wholeBytes(), input.pushed(),
        input.literalNext(), input.echo());
  }

  private boolean endsAt(int index) {
    return index < wholeBytes && (ends.u8(index >>> 3) >>> (index & 7) & 1) != 0;
  }

  /// How much of the input comes before lines began.
  private int beforeLines(boolean canonical) {
    if (!canonical) {
      return input.length();
    }
    int first = 0;
    while (pushed && first < wholeBytes && !endsAt(first)) {
      first++;
    }
    return pushed ? Math.min(first + 1, wholeBytes) : 0;
  }

  /// How the input is typed again; empty when it cannot be: where every character occurs, none is left to tell the
  /// terminal anything by.
  Optional<Typing> typing(boolean canonical) {
    int from = beforeLines(canonical);
    var others = new TreeSet<Integer>();
    boolean[] used = new boolean[256];
    used[END_OF_FILE] = true;
    used[NEWLINE] = true;
    for (int i = 0; i < input.length(); i++) {
      int character = input.u8(i);
      used[character] = true;
      if (i >= from && endsAt(i) && character != NEWLINE && character != END_OF_FILE) {
        others.add(character);
      }
    }
    List<Integer> marks = new ArrayList<>();
    for (int character = 1; character < used.length && marks.size() < MARKS; character++) {
      if (!used[character]) {
        marks.add(character);
      }
    }
    return marks.size() < MARKS || others.size() > LINE_ENDS_MAX ? Optional.empty()
        : Optional.of(new Typing(input.slice(0, from), lines(from, others, marks), List.copyOf(others), marks));
  }

  private Bytes lines(int from, TreeSet<Integer> others, List<Integer> marks) {
    byte[] typed = new byte[2 * input.length()];
    int length = 0;
    for (int i = from; i < input.length(); i++) {
      int character = input.u8(i);
      if (endsAt(i) && character == END_OF_FILE) {
        character = marks.get(Typing.EOF);
      } else if (!endsAt(i) && (character == NEWLINE || others.contains(character))) {
        typed[length++] = marks.get(Typing.LITERAL).byteValue();
      }
      typed[length++] = (byte) character;
    }
    return Bytes.of(typed).slice(0, length);
  }

  /// What the master writes, under settings that change nothing on the way.
  ///
  /// @param characters before lines began @param lines after that @param lineEnds characters that end lines, besides
  ///     the newline @param marks characters that do not occur, for what must be told
  record Typing(Bytes characters, Bytes lines, List<Integer> lineEnds, List<Integer> marks) {
    private static final int START = 0;
    private static final int STOP = 1;
    private static final int EOF = 2;
    private static final int LITERAL = 3;
    private static final int INPUT_FLAGS_AT = 0;
    private static final int OUTPUT_FLAGS_AT = 4;
    private static final int LOCAL_FLAGS_AT = 12;
    private static final int CHARACTERS_AT = 17;
    private static final int CHARACTERS = 19;
    private static final int IXON = 02000;
    private static final int ICANON = 2;
    private static final int IEXTEN = 0100000;
    private static final int VEOF = 4;
    private static final int VMIN = 6;
    private static final int VSTART = 8;
    private static final int VSTOP = 9;
    private static final int VEOL = 11;
    private static final int VLNEXT = 15;
    private static final int VEOL2 = 16;

    Bytes start() {
      return Bytes.of(new byte[] {marks.get(START).byteValue()});
    }

    Bytes stop() {
      return Bytes.of(new byte[] {marks.get(STOP).byteValue()});
    }

    /// struct termios2 for what comes before lines began, or after.
    ///
    /// @param settings the terminal's own
    Bytes settings(Bytes settings, boolean canonical) {
      byte[] changed = settings.withU32(INPUT_FLAGS_AT, IXON).withU32(OUTPUT_FLAGS_AT, 0)
          .withU32(LOCAL_FLAGS_AT, canonical ? ICANON | IEXTEN : 0).toArray();
      for (int i = 0; i < CHARACTERS; i++) {
        changed[CHARACTERS_AT + i] = END_OF_FILE;
      }
      changed[CHARACTERS_AT + VSTART] = marks.get(START).byteValue();
      changed[CHARACTERS_AT + VSTOP] = marks.get(STOP).byteValue();
      if (canonical) {
        changed[CHARACTERS_AT + VEOF] = marks.get(EOF).byteValue();
        changed[CHARACTERS_AT + VLNEXT] = marks.get(LITERAL).byteValue();
        changed[CHARACTERS_AT + VEOL] = lineEnds.isEmpty() ? END_OF_FILE : lineEnds.getFirst().byteValue();
        changed[CHARACTERS_AT + VEOL2] = lineEnds.size() < 2 ? END_OF_FILE : lineEnds.getLast().byteValue();
      } else {
        changed[CHARACTERS_AT + VMIN] = 1;
      }
      return Bytes.of(changed);
    }
  }
}
