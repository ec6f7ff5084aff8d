package stasis.cli;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// A JSON value and how it is written: keys in the order given, numbers without exponent, two spaces per level. The
/// same
/// value gives the same text.
sealed interface Json {
  record Text(String value) implements Json {}

  /// Text that is JSON already: a number, or a value that its owner has written.
  record Verbatim(String json) implements Json {}

  record Flag(boolean value) implements Json {}

  record Items(List<Json> values) implements Json {
    public Items {
      values = List.copyOf(values);
    }
  }

  /// @param members name and value by turns; a list, because the order is part of the value
  record Members(List<Member> members) implements Json {
    public Members {
      members = List.copyOf(members);
    }
  }

  record Member(String name, Json value) {}

  static Json text(String value) {
    return new Text(value);
  }

  static Json number(long value) {
    return new Verbatim(Long.toString(value));
  }

  /// Milliseconds with microseconds behind the point.
  static Json millis(long ns) {
    long us = Math.floorDiv(ns, 1000L);
    return new Verbatim("%d.%03d".formatted(us / 1000, us % 1000));
  }

  static Member member(String name, Json value) {
    return new Member(name, value);
  }

  static Json object(Member... members) {
    return new Members(List.of(members));
  }

  /// Sorted by name, for maps that have no order of their own.
  static Json sorted(Map<String, Json> values) {
    return new Members(new TreeMap<>(values).entrySet().stream().map(e -> member(e.getKey(), e.getValue())).toList());
  }

  /// The text, ended by a newline.
  default String write() {
    StringBuilder out = new StringBuilder();
    write(out, "\n");
    return out.append('\n').toString();
  }

  private void write(StringBuilder out, String newline) {
    switch (this) {
      case Text(String value) -> quote(out, value);
      case Verbatim(String json) -> out.append(json);
      case Flag(boolean value) -> out.append(value);
      case Items(List<Json> values) -> {
        String separator = newline + "  ";
        out.append('[');
        for (Json value : values) {
          out.append(separator);
          value.write(out, newline + "  ");
          separator = "," + newline + "  ";
        }
        out.append(values.isEmpty() ? "]" : newline + "]");
      }
      case Members(List<Member> members) -> {
        String separator = newline + "  ";
        out.append('{');
        for (Member member : members) {
          quote(out.append(separator), member.name());
          member.value().write(out.append(": "), newline + "  ");
          separator = "," + newline + "  ";
        }
        out.append(members.isEmpty() ? "}" : newline + "}");
      }
    }
  }

  /// RFC 8259, section 7. Lone surrogates (file names need not be UTF-8) are escaped, so the text can always be
  /// encoded.
  private static void quote(StringBuilder out, String text) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\t' -> out.append("\\t");
        case '\r' -> out.append("\\r");
        default -> {
          if (c < ' ' || c == 0x7f || Character.isSurrogate(c)) {
            out.append("\\u%04x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
