package stasis.engine;

/// kcmp(2) gave no answer in the middle of a comparison: one of the two tasks has ended (ESRCH), or may not be looked
/// at any more.
final class KcmpFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /// @param compared whose what
  KcmpFailedException(String compared, String answer) {
    super("kcmp of " + compared + " answered " + answer);
  }
}
