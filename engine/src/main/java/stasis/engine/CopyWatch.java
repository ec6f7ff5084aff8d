package stasis.engine;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import stasis.linux.sys.Threads;
import stasis.tracee.Snapshot;

/// Looks after copies of memory while they are read: where the kernel has chosen one to be ended for want of memory, its
/// pages are freed at once, and the program, which waits for them, goes on ([Snapshot]). A thread of its own: who reads
/// may be waiting for a disk.
final class CopyWatch implements AutoCloseable {
  private static final Duration PAUSE = Duration.ofMillis(5);
  /// A look at one takes 1 to 2 microseconds: of all of them no more than some hundredths of a CPU.
  private static final Duration PAUSE_FOR_EACH = Duration.ofNanos(50_000);

  private final List<Snapshot> copies;
  private final CountDownLatch closed = new CountDownLatch(1);
  private final Thread thread = Thread.ofPlatform().name("stasis-copies").daemon().unstarted(this::look);
  private volatile boolean ended;

  CopyWatch(List<Snapshot> copies) {
    this.copies = List.copyOf(copies);
  }

  /// Once, when the program runs on; nothing where there are none.
  void begin() {
    if (!copies.isEmpty()) {
      thread.start();
    }
  }

  /// Whether one has been ended.
  boolean hasEnded() {
    return ended;
  }

  private void look() {
    long pauseNs = Math.max(PAUSE.toNanos(), copies.size() * PAUSE_FOR_EACH.toNanos());
    try {
      while (!closed.await(pauseNs, TimeUnit.NANOSECONDS)) {
        for (Snapshot copy : copies) {
          // Each time again: what it does not take while it is not stopped yet, it does next time.
          ended |= copy.freedIfEnded();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed.countDown();
    Threads.awaitEnd(thread);
  }
}
