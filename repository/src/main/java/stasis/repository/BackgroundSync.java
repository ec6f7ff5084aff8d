package stasis.repository;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.util.Optional;
import stasis.linux.sys.Threads;

/// fsync(2) on a thread of its own, beside work that is content with the page cache. Close waits for its end.
final class BackgroundSync implements AutoCloseable {
  private final Thread thread;
  private volatile Optional<IOException> problem = Optional.empty();
  private volatile boolean done;

  private BackgroundSync(FileChannel channel) {
    thread = Thread.ofPlatform().name("stasis-sync").daemon(true).unstarted(() -> {
      try {
        channel.force(true);
        done = true;
      } catch (IOException e) {
        problem = Optional.of(e);
      }
    });
  }

  static BackgroundSync begin(FileChannel channel) {
    BackgroundSync sync = new BackgroundSync(channel);
    sync.thread.start();
    return sync;
  }

  /// Returns when all that had been written at the beginning is on the device.
  void await() throws IOException {
    close();
    if (problem.isPresent()) {
      throw problem.get();
    }
    if (!done) {
      throw new IOException("fsync did not come to its end");
    }
  }

  /// Through interrupts: the channel may not be closed under it.
  @Override
  public void close() {
    Threads.awaitEnd(thread);
  }
}
