package stasis.engine;

/// Whether an image takes the files along that its program goes on with.
///
/// @param mostBytes of contents; what would be more is refused
public record EmbedOrder(boolean wanted, long mostBytes) {
  public static final EmbedOrder NONE = new EmbedOrder(false, 0);
  /// As much as it takes.
  public static final EmbedOrder ALL = new EmbedOrder(true, Long.MAX_VALUE);
}
