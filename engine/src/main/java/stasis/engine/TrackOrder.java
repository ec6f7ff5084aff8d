package stasis.engine;

/// Whether a checkpoint has the kernel note what is written from its freeze on, and reads only what was written since
/// the one before that did.
public enum TrackOrder {
  /// Neither.
  OFF,
  /// But in huge pages, which it would break up.
  ON,
  /// Everywhere.
  HUGE_TOO
}
