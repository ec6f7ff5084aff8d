package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import stasis.engine.MissingPages.Piece;
import stasis.repository.ImageException;
import stasis.repository.PageSource;

/// The MiB of a page section that one thread read last, checked.
final class ChunkBuffer implements AutoCloseable {
  private static final int NONE = -1;
  private static final long URGENT_BYTES = 64 << 10;

  private final PageSource source;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment buffer = arena.allocate(PageSource.CHUNK_BYTES, PageSource.ALIGNMENT_BYTES);
  private MemorySegment held = buffer.asSlice(0, 0);
  private int index = NONE;

  ChunkBuffer(PageSource source) {
    this.source = source;
  }

  static int chunkOf(long sectionOffset) {
    return (int) (sectionOffset / PageSource.CHUNK_BYTES);
  }

  /// What is put in for a fault: around its page as far as it lies in one MiB of the section.
  static Piece urgent(Piece whole, long page) {
    long offset = whole.sectionOffset() + page - whole.start();
    long chunkStart = page - offset % PageSource.CHUNK_BYTES;
    long from = Math.max(Math.max(whole.start(), chunkStart), page & -URGENT_BYTES);
    long to = Math.min(Math.min(whole.end(), chunkStart + PageSource.CHUNK_BYTES), from + URGENT_BYTES);
    return whole.within(from, Math.max(to, page + 4096));
  }

  /// Where a byte of the section lies here, after its MiB was read if need be.
  long addressOf(long sectionOffset) throws ImageException {
    int wanted = chunkOf(sectionOffset);
    if (wanted != index) {
      index = NONE;
      held = source.chunk(wanted, buffer);
      index = wanted;
    }
    return held.address() + sectionOffset % PageSource.CHUNK_BYTES;
  }

  @Override
  public void close() {
    arena.close();
  }
}
