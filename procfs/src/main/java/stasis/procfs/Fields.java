package stasis.procfs;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/// Text of the shape `key: value`, in the kernel's order. A key may come more than once (`tfd:` in an epoll's fdinfo,
/// `lock:`), so this is a list and not a map. Values are stripped of blanks around them.
public record Fields(List<Field> list) {
  public record Field(String key, String value) {}

  public Fields {
    list = List.copyOf(list);
  }

  /// One field per line. A line without a colon is no field and is skipped.
  public static Fields parse(String text) {
    var list = new ArrayList<Field>();
    int start = 0;
    while (start < text.length()) {
      int newline = text.indexOf('\n', start);
      int end = newline < 0 ? text.length() : newline;
      int colon = text.indexOf(':', start);
      if (colon > start && colon < end) {
        list.add(new Field(text.substring(start, colon).strip(), text.substring(colon + 1, end).strip()));
      }
      start = end + 1;
    }
    return new Fields(list);
  }

  /// Several fields in one line, as in `wd:1 ino:2 sdev:3` or `5 events: 19 data: 5`: a key ends at its colon, a value
  /// at the next blank. Text before the first key is the value of `firstKey`.
  static Fields inline(String firstKey, String line) {
    var list = new ArrayList<Field>();
    String key = firstKey;
    int at = 0;
    while (at < line.length()) {
      int start = skipBlanks(line, at);
      int end = start;
      while (end < line.length() && line.charAt(end) != ' ' && line.charAt(end) != ':') {
        end++;
      }
      String word = line.substring(start, end);
      if (end < line.length() && line.charAt(end) == ':') {
        key = word;
        end++;
      } else if (!word.isEmpty()) {
        list.add(new Field(key, word));
      }
      at = end == start ? end + 1 : end;
    }
    return new Fields(list);
  }

  private static int skipBlanks(String line, int from) {
    int at = from;
    while (at < line.length() && line.charAt(at) == ' ') {
      at++;
    }
    return at;
  }

  /// The first value of this key.
  public Optional<String> first(String key) {
    for (Field field : list) {
      if (field.key.equals(key)) {
        return Optional.of(field.value);
      }
    }
    return Optional.empty();
  }

  /// Every value of this key, in order.
  public List<String> all(String key) {
    return list.stream().filter(field -> field.key.equals(key)).map(Field::value).toList();
  }

  public boolean has(String key) {
    return first(key).isPresent();
  }

  /// @throws ProcFormatException if there is no such key
  public String required(String key) {
    return first(key).orElseThrow(() -> new ProcFormatException("fields", "'" + key + ":'", keys()));
  }

  public long decimal(String key) {
    return number(key, 10);
  }

  /// With or without a leading `0x`.
  public long hex(String key) {
    return number(key, 16);
  }

  public long octal(String key) {
    return number(key, 8);
  }

  /// A value of the form `12 kB`, as kibibytes.
  public long kib(String key) {
    String value = required(key);
    return parse(key, value.endsWith(" kB") ? value.substring(0, value.length() - 3) : value, 10);
  }

  /// Blank-separated numbers of one line.
  public List<Long> decimals(String key) {
    var numbers = new ArrayList<Long>();
    String line = required(key);
    for (int at = 0; at < line.length();) {
      int end = at;
      while (end < line.length() && !Character.isWhitespace(line.charAt(end))) {
        end++;
      }
      if (end > at) {
        numbers.add(parse(key, line.substring(at, end), 10));
      }
      at = end + 1;
    }
    return List.copyOf(numbers);
  }

  private long number(String key, int radix) {
    return parse(key, required(key), radix);
  }

  private static long parse(String key, String value, int radix) {
    String digits = radix == 16 && value.startsWith("0x") ? value.substring(2) : value;
    try {
      return digits.startsWith("-") ? Long.parseLong(digits, radix) : Long.parseUnsignedLong(digits, radix);
    } catch (NumberFormatException _) {
      throw new ProcFormatException(key, "a number of base " + radix, value);
    }
  }

  private String keys() {
    return String.join(" ", list.stream().map(Field::key).toList());
  }
}
