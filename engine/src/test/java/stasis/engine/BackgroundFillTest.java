package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.Test;
import stasis.repository.PageSource;

class BackgroundFillTest {
  private static final int ROUNDS = 300;
  private static final long BOUND_S = 10;
  private static final PageSource NO_PAGES = new PageSource() {
    @Override
    public MemorySegment chunk(int index, MemorySegment buffer) {
      throw new AssertionError("there are none");
    }

    @Override
    public void close() {}
  };

  /// A little memory is all there before the second thread looks for any, and a program may be dead before it runs.
  @Test
  void aFillThatIsToldToStopWhileItBeginsEndsAndComplainsOfNothing() throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      var complaint = new CompletableFuture<String>();
      var nothingLeft = new CountDownLatch(1);
      var fill = new BackgroundFill(NO_PAGES, new CopyOnWriteArrayList<>(), new ReentrantLock(), TouchOrder.NONE,
          new LateFigures(), nothingLeft::countDown);
      fill.start(complaint::complete);
      boolean before = round % 2 == 0;
      CompletableFuture<Void> stopped = CompletableFuture.runAsync(() -> {
        try {
          if (!before) {
            nothingLeft.await();
          }
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
        fill.stop();
      });
      fill.begin();
      stopped.get(BOUND_S, TimeUnit.SECONDS);
      assertThat(Optional.ofNullable(complaint.getNow(null))).isEmpty();
    }
  }
}
