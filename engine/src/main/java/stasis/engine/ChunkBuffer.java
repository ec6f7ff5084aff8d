package stasis.engine;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import stasis.repository.ImageException;
import stasis.repository.PageSource;

/// The MiB of a page section that one thread read last, checked.
final class ChunkBuffer implements AutoCloseable {
  private static final int NONE = -1;

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
