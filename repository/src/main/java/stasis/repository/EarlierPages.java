package stasis.repository;

/// Pages that are stored where a new image is to go: instead of bringing them once more, it can say that it has the
/// same ([ImageContent.Kept]).
public interface EarlierPages {
  /// Whether these bytes of their page section can be had whole: they are one piece, and what it is made of is there.
  boolean holds(long sectionOffset, long lengthBytes) throws ImageException;
}
