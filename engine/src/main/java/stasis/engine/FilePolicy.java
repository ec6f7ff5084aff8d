package stasis.engine;

/// What a restore does where files of the host are not those that its image holds copies of.
public enum FilePolicy {
  /// Refuse, naming them.
  REFUSE,
  /// Put back what is not there; refuse where there is another.
  RESTORE_MISSING,
  /// Put back all; what was there is kept beside.
  ROLLBACK
}
