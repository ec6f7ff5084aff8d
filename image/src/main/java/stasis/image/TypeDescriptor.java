package stasis.image;

import java.util.List;

/// A message, variant or enum, as a statefile describes it.
///
/// @param fields of a message; for a variant one per record it can be; by ascending tag
/// @param constants of an enum
public record TypeDescriptor(@Tag(1) String name, @Tag(2) Shape shape, @Tag(3) List<FieldDescriptor> fields,
    @Tag(4) List<String> constants) {
  /// Protobuf's largest field number.
  public static final int MAX_TAG = (1 << 29) - 1;
  private static final int MAX_NAME = 200;

  public TypeDescriptor {
    checkName(name);
    fields = List.copyOf(fields);
    constants = List.copyOf(constants);
    constants.forEach(TypeDescriptor::checkName);
    if (!shape.composite() && shape != Shape.ENUM) {
      throw new IllegalArgumentException(name + ": " + shape + " is not described by fields");
    }
    for (int i = 1; i < fields.size(); i++) {
      if (fields.get(i - 1).tag() >= fields.get(i).tag()) {
        throw new IllegalArgumentException(name + ": tags do not ascend at " + fields.get(i).tag());
      }
    }
  }

  /// Names go to terminals and file names: letters, digits and `._$-` only.
  static void checkName(String name) {
    boolean plain = !name.isEmpty() && name.length() <= MAX_NAME;
    for (int i = 0; plain && i < name.length(); i++) {
      char c = name.charAt(i);
      plain = c < 0x80 && (Character.isLetterOrDigit(c) || "._$-".indexOf(c) >= 0);
    }
    if (!plain) {
      throw new IllegalArgumentException("not a name: " + Printable.quoted(name));
    }
  }

  String describe() {
    StringBuilder out = new StringBuilder();
    if (shape == Shape.ENUM) {
      out.append("enum ").append(name).append(' ').append(String.join(" ", constants)).append('\n');
      return out.toString();
    }
    out.append(shape == Shape.VARIANT ? "one of " : "").append(name).append('\n');
    fields.forEach(field -> out.append("  ").append(field).append('\n'));
    return out.toString();
  }
}
