package stasis.repository;

import stasis.linux.abi.Bytes;

/// Pages that are stored where a new image is to go: instead of bringing them once more, it can say that it has the
/// same ([ImageContent.Kept]).
public interface EarlierPages {
  /// The metadata section of the statefile they belong to.
  Bytes metadata() throws ImageException;

  /// Length of its page section.
  long pageBytes();

  /// Whether these bytes of its page section can be had whole: they are one piece, and what it is made of is there.
  boolean holds(long sectionOffset, long lengthBytes) throws ImageException;
}
