package stasis.linux.probe;

/// What a probe found.
public enum Verdict {
  PRESENT,
  MISSING,
  /// Could not be tried, or is a number to know rather than a yes or no.
  NOTED
}
