package stasis.repository;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/// Reads a page section MiB by MiB on several threads. Closes its source.
final class PageWalk {
  private final PageSource source;
  private final BitSet without;
  private final int count;

  /// Given each MiB, by several threads at once.
  interface Visitor {
    void visit(long sectionOffset, MemorySegment bytes) throws IOException;
  }

  /// @param without MiBs not to read
  PageWalk(PageSource source, long pageBytes, BitSet without) {
    this.source = source;
    this.without = without;
    this.count = (int) ((pageBytes + PageSource.CHUNK_BYTES - 1) / PageSource.CHUNK_BYTES);
  }

  void run(int threads, Visitor visitor) throws ImageException, IOException {
    if (without.nextClearBit(0) >= count) {
      source.close();
      return;
    }
    AtomicInteger next = new AtomicInteger();
    try (source; ExecutorService workers = Executors.newFixedThreadPool(threads,
        Thread.ofPlatform().name("stasis-pages-", 0).daemon().factory())) {
      List<Future<Boolean>> results = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        results.add(workers.submit(() -> share(next, visitor)));
      }
      for (Future<Boolean> result : results) {
        await(result);
      }
    }
  }

  private boolean share(AtomicInteger next, Visitor visitor) throws ImageException, IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(PageSource.CHUNK_BYTES, PageSource.ALIGNMENT_BYTES);
      for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
        if (!without.get(i)) {
          visitor.visit((long) i * PageSource.CHUNK_BYTES, source.chunk(i, buffer));
        }
      }
      return true;
    } catch (ImageException | IOException | RuntimeException e) {
      next.set(count);
      throw e;
    }
  }

  private static void await(Future<Boolean> result) throws ImageException, IOException {
    try {
      result.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof ImageException failed) {
        throw failed;
      }
      if (e.getCause() instanceof IOException failed) {
        throw failed;
      }
      throw new AssertionError("reading pages broke", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new ImageException(ImageException.Reason.CANCELLED, "reading pages was cancelled", "run it again", e);
    }
  }
}
