package stasis.repository;

/// Moments in the life of a writer, in order; each is announced when it has just been reached. Fault sweeps name them.
public enum WriteStep {
  LOCKED,
  LEFTOVERS_GONE,
  PARTIAL_CREATED,
  METADATA_WRITTEN,
  PAGES_WRITTEN,
  TRAILER_WRITTEN,
  SYNCED,
  CHECKED,
  RENAMED,
  FOLDER_SYNCED
}
