package stasis.cli;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import stasis.linux.abi.Tid;

/// What a caller asks a resident engine, a line each: `stasis 1`, `pid N`, `root FOLDER` of the installation,
/// `words N`, the words of the command line, `go`. A word that has a newline makes the count wrong.
///
/// @param pid whose surroundings, directory and descriptors are meant
record Request(Tid pid, String root, List<String> words) {
  static final String BEGIN = "stasis 1";
  static final String END = "go";
  private static final Pattern NUMBER = Pattern.compile("[1-9][0-9]{0,8}");
  /// What no character set of a terminal could have meant otherwise.
  private static final Pattern PLAIN = Pattern.compile("[ -~]*");
  private static final int HEAD = 4;

  Request {
    words = List.copyOf(words);
  }

  /// @param lines without [#END] @return empty for anything else
  static Optional<Request> of(List<String> lines) {
    if (lines.size() < HEAD || !lines.getFirst().equals(BEGIN) || !lines.stream().allMatch(line ->
        PLAIN.matcher(line).matches())) {
      return Optional.empty();
    }
    Optional<String> pid = value(lines.get(1), "pid ").filter(text -> NUMBER.matcher(text).matches());
    Optional<String> root = value(lines.get(2), "root ");
    Optional<String> count = value(lines.get(3), "words ").filter(text -> NUMBER.matcher(text).matches());
    if (pid.isEmpty() || root.isEmpty() || count.filter(text -> Integer.parseInt(text) == lines.size() - HEAD)
        .isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(new Request(new Tid(Integer.parseInt(pid.get())), root.get(),
        lines.subList(HEAD, lines.size())));
  }

  private static Optional<String> value(String line, String name) {
    return line.startsWith(name) ? Optional.of(line.substring(name.length())) : Optional.empty();
  }

  /// Lines that come in pieces.
  static final class Lines {
    private static final int LONGEST = 65536;

    private final StringBuilder pending = new StringBuilder();

    /// @return those that are whole now
    List<String> add(byte[] piece) {
      pending.append(new String(piece, StandardCharsets.ISO_8859_1));
      List<String> lines = new ArrayList<>();
      for (int end = pending.indexOf("\n"); end >= 0; end = pending.indexOf("\n")) {
        lines.add(pending.substring(0, end));
        pending.delete(0, end + 1);
      }
      return lines;
    }

    boolean isTooLong() {
      return pending.length() > LONGEST;
    }
  }
}
