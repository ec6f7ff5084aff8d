package stasis.repository;

import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/// Compares the page section with its table of CRCs, one contiguous share per thread.
final class PageCheck {
  /// Chunks that are checked sooner than threads for them are started.
  private static final int FEW = 4;

  private final FolderReader image;
  private final ByteBuffer table;
  private final BitSet without;
  private final int chunks;

  /// @param table one little-endian CRC32C per chunk @param without chunks not to look at
  PageCheck(FolderReader image, ByteBuffer table, BitSet without) {
    this.image = image;
    this.table = table;
    this.without = without;
    this.chunks = table.limit() / 4;
  }

  /// @return index of the first chunk that differs, or the number of chunks
  int firstDamaged(int threads) throws ImageException {
    if (without.nextClearBit(0) >= chunks) {
      return chunks;
    }
    if (chunks - without.cardinality() <= FEW) {
      return firstDamaged(0, chunks);
    }
    int share = (chunks + threads - 1) / threads;
    try (ExecutorService workers = Executors.newFixedThreadPool(threads)) {
      List<Future<Integer>> shares = new ArrayList<>();
      for (int from = 0; from < chunks; from += share) {
        int first = from;
        int end = Math.min(from + share, chunks);
        shares.add(workers.submit(() -> firstDamaged(first, end)));
      }
      for (Future<Integer> result : shares) {
        int damaged = result.get();
        if (damaged < chunks) {
          return damaged;
        }
      }
      return chunks;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ImageException failed) {
        throw failed;
      }
      throw new AssertionError("the page check broke", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ImageException(ImageException.Reason.CANCELLED, "the check of " + image.file() + " was cancelled",
          "run it again", e);
    }
  }

  private int firstDamaged(int from, int end) throws ImageException {
    try (Arena arena = Arena.ofConfined()) {
      ByteBuffer buffer = arena.allocate(Layout.CHUNK_BYTES).asByteBuffer();
      for (int chunk = without.nextClearBit(from); chunk < end; chunk = without.nextClearBit(chunk + 1)) {
        long offset = (long) chunk * Layout.CHUNK_BYTES;
        buffer.clear().limit((int) Math.min(Layout.CHUNK_BYTES, image.pageBytes() - offset));
        image.readPages(offset, buffer);
        if (!image.isWhole(chunk, table.getInt(4 * chunk), buffer.flip())) {
          return chunk;
        }
      }
      return chunks;
    }
  }
}
