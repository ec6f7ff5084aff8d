package stasis.image;

import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;

/// Values as text for people and as JSON.
final class ValueText {
  private ValueText() {}

  static String show(Value value) {
    StringBuilder out = new StringBuilder();
    show(value, 1, out);
    return out.toString();
  }

  private static void show(Value value, int depth, StringBuilder out) {
    switch (value) {
      case Value.Message(_, var entries) -> {
        for (Value.Entry entry : entries) {
          out.repeat("  ", depth).append(entry.name()).append(':');
          showBeside(entry.value(), depth, out);
        }
      }
      case Value.Sequence(var elements) -> {
        for (Value element : elements) {
          out.repeat("  ", depth).append('-');
          showBeside(element, depth, out);
        }
      }
      default -> out.repeat("  ", depth).append(scalar(value)).append('\n');
    }
  }

  /// After a name or a dash: scalars and empty lists on the same line, the rest below.
  private static void showBeside(Value value, int depth, StringBuilder out) {
    switch (value) {
      case Value.Message(_, var entries) when entries.isEmpty() -> out.append(" {}\n");
      case Value.Sequence(var elements) when elements.isEmpty() -> out.append(" []\n");
      case Value.Message _, Value.Sequence _ -> {
        out.append('\n');
        show(value, depth + 1, out);
      }
      default -> out.append(' ').append(scalar(value)).append('\n');
    }
  }

  private static String scalar(Value value) {
    return switch (value) {
      case Value.Whole(var type, long number) -> whole(type, number);
      case Value.Flag(boolean set) -> Boolean.toString(set);
      case Value.Text(_, var text) -> Printable.quoted(text);
      case Value.Raw(var type, var bytes) ->
          isPath(type) || bytes.isEmpty() ? '"' + Printable.escaped(bytes) + '"' : bytes.toString();
      case Value.Unknown(int wireType, var content) -> "wire type " + wireType + ", " + content;
      case Value.Message _, Value.Sequence _ -> throw new AssertionError("not a scalar: " + value);
    };
  }

  /// Types of the kernel's that are not read in decimal, by the name they have in schemas.
  private static String whole(String type, long number) {
    if (type.equals(RemoteAddress.class.getSimpleName())) {
      return new RemoteAddress(number).toString();
    } else if (type.equals(SigSet.class.getSimpleName())) {
      return new SigSet(number).toString();
    } else if (type.equals(ObjectId.class.getSimpleName())) {
      return "#" + number;
    }
    return Long.toString(number);
  }

  private static boolean isPath(String type) {
    return type.equals(PathBytes.class.getSimpleName());
  }

  static String json(Value value) {
    StringBuilder out = new StringBuilder();
    json(value, out);
    return out.toString();
  }

  private static void json(Value value, StringBuilder out) {
    switch (value) {
      case Value.Message(_, var entries) -> {
        String separator = "{";
        for (Value.Entry entry : entries) {
          out.append(separator);
          string(entry.name(), out);
          out.append(':');
          json(entry.value(), out);
          separator = ",";
        }
        out.append(entries.isEmpty() ? "{}" : "}");
      }
      case Value.Sequence(var elements) -> {
        String separator = "[";
        for (Value element : elements) {
          out.append(separator);
          json(element, out);
          separator = ",";
        }
        out.append(elements.isEmpty() ? "[]" : "]");
      }
      case Value.Whole(var type, long number) -> {
        boolean hex = type.equals(RemoteAddress.class.getSimpleName()) || type.equals(SigSet.class.getSimpleName());
        if (hex) {
          string(whole(type, number), out);
        } else {
          out.append(number);
        }
      }
      case Value.Flag(boolean set) -> out.append(set);
      case Value.Text(_, var text) -> string(text, out);
      case Value.Raw(var type, var bytes) -> string(isPath(type) ? Printable.escaped(bytes) : bytes.toHex(), out);
      case Value.Unknown(_, Bytes content) -> string(content.toHex(), out);
    }
  }

  private static void string(String text, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || Character.isSurrogate(c)) {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    out.append('"');
  }
}
