package stasis.repository;

import java.lang.foreign.MemorySegment;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/// The page section of a checkpoint in a repository: chunks, checked and put back between their zeros.
final class ChunkSource implements PageSource {
  private static final int PAGE = Layout.ALIGNMENT_BYTES;

  private final ChunkMap map;
  private final ChunkStore store;
  private final Queue<ChunkReader> idle = new ConcurrentLinkedQueue<>();

  ChunkSource(ChunkMap map, ChunkStore store) {
    this.map = map;
    this.store = store;
  }

  @Override
  public MemorySegment chunk(int index, MemorySegment buffer) throws ImageException {
    long offset = (long) index * CHUNK_BYTES;
    MemorySegment filled = buffer.asSlice(0, Math.min(CHUNK_BYTES, map.start(map.count()) - offset));
    read(offset, filled);
    return filled;
  }

  /// Fills `into` from the section.
  void read(long sectionOffset, MemorySegment into) throws ImageException {
    long end = sectionOffset + into.byteSize();
    if (sectionOffset < 0 || end > map.start(map.count())) {
      throw new IllegalArgumentException("bytes " + sectionOffset + " + " + into.byteSize()
          + " are not in a section of " + map.start(map.count()));
    }
    ChunkReader reader = idle.poll();
    if (reader == null) {
      reader = new ChunkReader(store);
    }
    try {
      for (int i = into.byteSize() == 0 ? map.count() : map.at(sectionOffset);
          i < map.count() && map.start(i) < end; i++) {
        piece(i, sectionOffset, into, reader);
      }
    } finally {
      idle.add(reader);
    }
  }

  private void piece(int index, long sectionOffset, MemorySegment into, ChunkReader reader) throws ImageException {
    ChunkMap.Piece piece = map.piece(index);
    if (piece.mask() != 0 && reader.read(piece.id()) != piece.chunkBytes()) {
      throw new ImageException(ImageException.Reason.DAMAGED, "chunk " + piece.id() + " of " + store.root()
          + " has another length than its checkpoint says", "take the checkpoint from another copy of the repository");
    }
    int kept = 0;
    for (int page = 0; page < piece.pages(); page++) {
      boolean zeros = (piece.mask() & 1 << page) == 0;
      long at = map.start(index) + (long) page * PAGE;
      long from = Math.max(at, sectionOffset);
      long to = Math.min(at + PAGE, sectionOffset + into.byteSize());
      if (from < to) {
        MemorySegment target = into.asSlice(from - sectionOffset, to - from);
        if (zeros) {
          target.fill((byte) 0);
        } else {
          target.copyFrom(MemorySegment.ofArray(reader.bytes()).asSlice(kept + from - at, to - from));
        }
      }
      kept += zeros ? 0 : PAGE;
    }
  }

  @Override
  public void close() {
    idle.forEach(ChunkReader::close);
    idle.clear();
  }
}
