package stasis.repository;

/// Pages that are in the repository, or on their way into it.
final class EarlierChunks implements EarlierPages {
  private final ChunkMap map;
  private final Presence chunks;

  /// Whether a chunk is there.
  interface Presence {
    boolean has(ChunkId id) throws ImageException;
  }

  EarlierChunks(ChunkMap map, Presence chunks) {
    this.map = map;
    this.chunks = chunks;
  }

  @Override
  public boolean holds(long sectionOffset, long lengthBytes) throws ImageException {
    if (sectionOffset < 0 || sectionOffset >= map.pageBytes()) {
      return false;
    }
    int index = map.at(sectionOffset);
    ChunkMap.Piece piece = map.piece(index);
    return map.start(index) == sectionOffset && (long) piece.pages() * Layout.ALIGNMENT_BYTES == lengthBytes
        && (piece.mask() == 0 || chunks.has(piece.id()));
  }

  /// The piece that begins there.
  ChunkMap.Piece piece(long sectionOffset, int lengthBytes) {
    int index = map.at(sectionOffset);
    ChunkMap.Piece piece = map.piece(index);
    if (map.start(index) != sectionOffset || piece.pages() * Layout.ALIGNMENT_BYTES != lengthBytes) {
      throw new IllegalArgumentException("no piece of " + lengthBytes + " bytes begins at " + sectionOffset);
    }
    return piece;
  }
}
