package stasis.procfs;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/// Text of the shape `key: value`, in the kernel's order. A key may come more than once (`tfd:` in an epoll's fdinfo,
/// `lock:`), so this is a list and not a map. Values are stripped of blanks around them.
///
/// Kept as the text and where its parts are: of a program with many threads there are as many of these, of sixty fields
/// each, and few of those are asked for.
public final class Fields {
  /// Of each field: where its key starts and ends, where its value does.
  private static final int NUMBERS = 4;
  private static final int FIRST = 64;

  public record Field(String key, String value) {}

  private final String text;
  private final int[] places;
  private final int used;

  private Fields(String text, int[] places, int used) {
    this.text = text;
    this.places = places;
    this.used = used;
  }

  /// @param list of keys without a colon, and neither with a line's end
  static Fields of(List<Field> list) {
    var text = new StringBuilder();
    list.forEach(field -> text.append(field.key).append(':').append(field.value).append('\n'));
    return parse(text.toString());
  }

  /// One field per line. A line without a colon is no field and is skipped.
  public static Fields parse(String text) {
    int[] places = new int[NUMBERS * FIRST];
    int used = 0;
    int start = 0;
    while (start < text.length()) {
      int newline = text.indexOf('\n', start);
      int end = newline < 0 ? text.length() : newline;
      int colon = text.indexOf(':', start);
      if (colon > start && colon < end) {
        if (used == places.length) {
          places = Arrays.copyOf(places, 2 * used);
        }
        used = stripped(text, start, colon, places, used);
        used = stripped(text, colon + 1, end, places, used);
      }
      start = end + 1;
    }
    return new Fields(text, places, used);
  }

  private static int stripped(String text, int from, int to, int[] places, int used) {
    int start = from;
    int end = to;
    while (start < end && Character.isWhitespace(text.charAt(start))) {
      start++;
    }
    while (end > start && Character.isWhitespace(text.charAt(end - 1))) {
      end--;
    }
    places[used] = start;
    places[used + 1] = end;
    return used + 2;
  }

  public List<Field> list() {
    var list = new ArrayList<Field>(used / NUMBERS);
    for (int i = 0; i < used; i += NUMBERS) {
      list.add(new Field(text.substring(places[i], places[i + 1]), value(i)));
    }
    return List.copyOf(list);
  }

  private boolean isOf(String key, int at) {
    return places[at + 1] - places[at] == key.length() && text.startsWith(key, places[at]);
  }

  private String value(int at) {
    return text.substring(places[at + 2], places[at + 3]);
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
    return of(list);
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
    for (int at = 0; at < used; at += NUMBERS) {
      if (isOf(key, at)) {
        return Optional.of(value(at));
      }
    }
    return Optional.empty();
  }

  /// Every value of this key, in order.
  public List<String> all(String key) {
    var values = new ArrayList<String>();
    for (int at = 0; at < used; at += NUMBERS) {
      if (isOf(key, at)) {
        values.add(value(at));
      }
    }
    return List.copyOf(values);
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
    return String.join(" ", list().stream().map(Field::key).toList());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Fields that && list().equals(that.list());
  }

  @Override
  public int hashCode() {
    return list().hashCode();
  }

  @Override
  public String toString() {
    return list().toString();
  }
}
