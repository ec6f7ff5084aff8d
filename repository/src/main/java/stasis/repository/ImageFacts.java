package stasis.repository;

/// What a list of images shows of one.
///
/// @param createdUnixNs CLOCK_REALTIME @param host its name @param program the root task's comm @param pid its pid
public record ImageFacts(long createdUnixNs, String host, String program, int pid, int tasks, int threads) {
  /// Of an image about which nothing is known.
  public static final ImageFacts NONE = new ImageFacts(0, "?", "?", 0, 0, 0);
}
