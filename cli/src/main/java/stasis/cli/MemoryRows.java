package stasis.cli;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.engine.ImageMemory;
import stasis.image.DecodeException;
import stasis.image.Fields;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.repository.ImageException;
import stasis.resource.TaskState;

/// What is read from memory of an image: command lines, environments, bytes.
final class MemoryRows {
  private static final int MAX_WORDS_BYTES = 4 << 20;
  private static final int LINE_BYTES = 16;

  private MemoryRows() {}

  /// As ps(1) shows it, where the image has it.
  static Optional<String> commandLine(Inspection image, ObjectId task) throws DecodeException, ImageException {
    Optional<TaskState> state = Optional.ofNullable(image.memory().tasks().get(task));
    if (state.isEmpty() || !state.get().leader().equals(task)) {
      return Optional.empty();
    }
    List<String> words = words(image, task, state.get(), "argStart", "argEnd");
    return words.isEmpty() ? Optional.empty() : Optional.of(String.join(" ", words));
  }

  static Table environment(Inspection image) throws DecodeException, ImageException, Inspection.NoAnswerException {
    Table table = new Table("PID", "VARIABLE");
    for (Map.Entry<ObjectId, TaskState> leader : image.leaders()) {
      for (String word : words(image, leader.getKey(), leader.getValue(), "envStart", "envEnd")) {
        table.row(Integer.toString(Inspection.pid(leader.getValue())), word);
      }
    }
    return table;
  }

  /// NUL-terminated words of a range that the mm names.
  private static List<String> words(Inspection image, ObjectId leader, TaskState task, String from, String to)
      throws DecodeException, ImageException {
    Optional<Fields> layout = image.aspect(leader, "group.mm").flatMap(mm -> mm.record("layout"));
    if (layout.isEmpty()) {
      return List.of();
    }
    long start = layout.get().number(from);
    long length = layout.get().number(to) - start;
    if (length <= 0 || length > MAX_WORDS_BYTES) {
      return List.of();
    }
    Bytes bytes = image.memory().read(task.mm(), start, (int) length).bytes();
    List<String> words = new ArrayList<>();
    for (String word : new String(bytes.toArray(), StandardCharsets.ISO_8859_1).split("\0")) {
      words.add(printable(word));
    }
    return words;
  }

  /// Nothing that a terminal would obey.
  static String printable(String latin1) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < latin1.length(); i++) {
      char c = latin1.charAt(i);
      out.append(c >= ' ' && c <= '~' ? String.valueOf(c) : "\\x%02x".formatted((int) c));
    }
    return out.toString();
  }

  /// `cat ADDRESS LENGTH`: as `hexdump -C` prints it.
  static Shown bytes(Inspection image) throws ImageException, Inspection.NoAnswerException {
    if (image.arguments().size() != 2) {
      throw new Inspection.NoAnswerException("give an address and a length: inspect IMAGE cat 0x7ffc12340000 256");
    }
    long address = number(image.arguments().get(0));
    long length = number(image.arguments().get(1));
    if (length <= 0 || length > 1 << 30) {
      throw new Inspection.NoAnswerException("a length is 1 to 1073741824 bytes, not " + image.arguments().get(1));
    }
    TaskState task = image.leaders().getFirst().getValue();
    ImageMemory.Read read = image.memory().read(task.mm(), address, (int) length);
    if (read.bytes().isEmpty()) {
      throw new Inspection.NoAnswerException(read.problem().orElse("there is nothing"));
    }
    Table table = new Table("ADDRESS", "BYTES", "TEXT");
    for (int at = 0; at < read.bytes().length(); at += LINE_BYTES) {
      Bytes line = read.bytes().slice(at, Math.min(LINE_BYTES, read.bytes().length() - at));
      table.row("%012x".formatted(address + at), spaced(line), text(line));
    }
    read.problem().ifPresent(problem -> table.row("", "", problem));
    return new Shown(List.of(new Shown.Section("", table)), "", read.bytes());
  }

  static String spaced(Bytes bytes) {
    return bytes.toHex().replaceAll("..(?!$)", "$0 ");
  }

  static String text(Bytes bytes) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < bytes.length(); i++) {
      int unit = bytes.u8(i);
      out.append(unit >= ' ' && unit <= '~' ? (char) unit : '.');
    }
    return out.toString();
  }

  /// Decimal, or hexadecimal with 0x.
  static long number(String text) throws Inspection.NoAnswerException {
    try {
      return text.startsWith("0x") ? Long.parseUnsignedLong(text.substring(2), 16) : Long.parseLong(text);
    } catch (NumberFormatException _) {
      throw new Inspection.NoAnswerException("'" + MemoryRows.printable(text) + "' is no number; give 4711 or 0x1267");
    }
  }
}
