package stasis.repository;

import stasis.linux.abi.Bytes;

/// The pages of a checkpoint that is in the repository already.
final class EarlierChunks implements EarlierPages {
  private final ImageReader reader;
  private final ChunkMap map;
  private final ChunkStore store;

  EarlierChunks(RepositoryReader reader) {
    this.reader = reader;
    this.map = reader.map();
    this.store = reader.store();
  }

  @Override
  public Bytes metadata() throws ImageException {
    return reader.metadata();
  }

  @Override
  public long pageBytes() {
    return reader.pageBytes();
  }

  @Override
  public boolean holds(long sectionOffset, long lengthBytes) throws ImageException {
    if (sectionOffset < 0 || sectionOffset >= pageBytes()) {
      return false;
    }
    int index = map.at(sectionOffset);
    ChunkMap.Piece piece = map.piece(index);
    return map.start(index) == sectionOffset && (long) piece.pages() * Layout.ALIGNMENT_BYTES == lengthBytes
        && (piece.mask() == 0 || store.find(piece.id()).isPresent());
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
