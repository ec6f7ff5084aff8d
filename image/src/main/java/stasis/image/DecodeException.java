package stasis.image;

import java.util.Objects;

/// Bytes that are not what their schema says. Names the schema, the field and the byte where reading stopped.
public final class DecodeException extends Exception {
  private static final long serialVersionUID = 1L;
  private final String schema;
  private final String field;
  private final int offset;

  /// @param field path of names from the root record; empty for the record itself
  /// @param offset in bytes, from the start of the record
  public DecodeException(String schema, String field, int offset, String reason) {
    super(schema + (field.isEmpty() ? "" : ", field " + field) + ", byte " + offset + ": " + reason);
    this.schema = schema;
    this.field = field;
    this.offset = offset;
  }

  @Override
  public String getMessage() {
    return Objects.requireNonNull(super.getMessage());
  }

  public String schema() {
    return schema;
  }

  public String field() {
    return field;
  }

  public int offset() {
    return offset;
  }
}
