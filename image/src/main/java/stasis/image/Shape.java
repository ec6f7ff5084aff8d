package stasis.image;

/// How values of a type lie on the wire. Names are stored in statefiles: never renamed.
public enum Shape {
  /// 32- or 64-bit integer: zigzag varint (protobuf sint64); read back with a range check.
  WHOLE,
  /// Varint 0 or 1.
  FLAG,
  /// Length and UTF-8.
  TEXT,
  /// Length and bytes.
  BYTES,
  /// Length and the constant's name.
  ENUM,
  /// Length and tagged fields.
  MESSAGE,
  /// A message with exactly one field: its number is the variant's, its content the variant's message.
  VARIANT;

  /// Whether a list of these is written as one packed field.
  boolean packed() {
    return this == WHOLE || this == FLAG;
  }

  boolean composite() {
    return this == MESSAGE || this == VARIANT;
  }
}
