package stasis.image;

/// How much a decoder believes before it refuses.
///
/// @param bytes longest message
/// @param depth messages within messages
/// @param elements list elements in one message, nested ones included; each becomes an object, so this bounds memory
public record Limits(int bytes, int depth, int elements) {
  /// Enough for a statefile with a million objects.
  public static final Limits DEFAULT = new Limits(512 << 20, 32, 4_000_000);

  public Limits {
    if (bytes < 0 || depth < 1 || elements < 0) {
      throw new IllegalArgumentException("limits are positive: " + bytes + ", " + depth + ", " + elements);
    }
  }
}
