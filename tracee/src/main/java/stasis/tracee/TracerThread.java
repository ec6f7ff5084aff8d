package stasis.tracee;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import stasis.linux.sys.Threads;

/// The one platform thread that ptraces: the kernel ties a tracee to the OS thread that seized it.
///
/// The ties end with the thread, not with the JVM, and then every tracee runs on by its parachute. So an unchecked
/// Throwable, which says that we no longer know what we do, ends the thread; a checked exception is an answer.
public final class TracerThread implements AutoCloseable {
  /// What is run on the thread. The Ptrace is valid on it alone.
  @FunctionalInterface
  public interface Work<T extends @Nullable Object, X extends Exception> {
    T run(Ptrace ptrace) throws X;
  }

  private sealed interface Order {
    record Job<T extends @Nullable Object>(Work<T, ?> work, CompletableFuture<T> result) implements Order {}

    record End() implements Order {}
  }

  private static final long STRAGGLER_INTERVAL_MS = 1;

  private final LinkedBlockingQueue<Order> orders = new LinkedBlockingQueue<>();
  private final Thread thread;
  private volatile boolean ended;

  public TracerThread() {
    thread = Thread.ofPlatform().name("stasis-tracer").daemon(true).unstarted(this::live);
    thread.start();
  }

  /// Runs `work` on the tracer thread and waits for it, through interrupts.
  ///
  /// @throws IllegalStateException when the thread has ended, or is the caller: it has the Ptrace at hand already
  @SuppressWarnings("unchecked") // the only checked exception that `work` can have thrown
  public <T extends @Nullable Object, X extends Exception> T call(Work<T, X> work) throws X {
    if (thread.equals(Thread.currentThread())) {
      throw new IllegalStateException("already on the tracer thread");
    }
    var result = new CompletableFuture<T>();
    orders.add(new Order.Job<>(work, result));
    if (ended) {
      refuse();
    }
    try {
      return result.join();
    } catch (CompletionException e) {
      switch (e.getCause()) {
        case RuntimeException unchecked -> throw unchecked;
        case Error error -> throw error;
        case Exception checked -> throw (X) checked;
        case Throwable odd -> throw new AssertionError(odd);
        case null -> throw e;
      }
    }
  }

  /// Ends the thread after the work in hand. The kernel then lets all its tracees go.
  @Override
  public void close() {
    orders.add(new Order.End());
    Threads.awaitEnd(thread);
  }

  private void live() {
    try (var ptrace = new Ptrace()) {
      boolean goOn = true;
      while (goOn) {
        Order order = ptrace.hasStragglers() ? orders.poll(STRAGGLER_INTERVAL_MS, TimeUnit.MILLISECONDS)
            : orders.take();
        ptrace.releaseStragglers();
        goOn = switch (order) {
          case Order.Job<?> job -> run(job, ptrace);
          case Order.End _ -> false;
          case null -> true;
        };
      }
    } catch (InterruptedException e) {
      // Nobody has this thread to interrupt it; if somebody found it, its end is what they want.
      Thread.currentThread().interrupt();
    } finally {
      ended = true;
      refuse();
    }
  }

  /// @return whether the thread may live on
  private static <T extends @Nullable Object> boolean run(Order.Job<T> job, Ptrace ptrace) {
    try {
      job.result.complete(job.work.run(ptrace));
      return true;
    } catch (RuntimeException | Error unchecked) {
      job.result.completeExceptionally(unchecked);
      return false;
    } catch (Exception checked) {
      job.result.completeExceptionally(checked);
      return true;
    }
  }

  private void refuse() {
    for (Order order = orders.poll(); order != null; order = orders.poll()) {
      if (order instanceof Order.Job<?> job) {
        job.result.completeExceptionally(new IllegalStateException("the tracer thread has ended"));
      }
    }
  }
}
