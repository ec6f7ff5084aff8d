package stasis.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.SequencedSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import stasis.engine.MissingPages.Piece;
import stasis.engine.TouchOrder.Touch;
import stasis.linux.sys.Threads;
import stasis.repository.ImageException;
import stasis.repository.PageSource;

/// The threads that put pages in before anybody asks: what lies around a page that was asked for, what was touched
/// first after earlier restores, then everything by address; children last.
final class BackgroundFill {
  private static final int THREADS = 2;
  private static final long AT_ONCE_BYTES = 256 << 10;
  private static final long PAUSE_NS = 100_000;

  private final PageSource source;
  private final List<LateSpace> spaces;
  private final Lock putting;
  private final TouchOrder earlier;
  private final LateFigures figures;
  private final Runnable tell;
  private final Deque<Stretch> wanted = new ArrayDeque<>();
  private final SequencedSet<Touch> touched = new LinkedHashSet<>();
  private final AtomicBoolean stopping = new AtomicBoolean();
  private final CountDownLatch begun = new CountDownLatch(1);
  /// Changes only in [#start].
  private final List<Thread> threads = new ArrayList<>();
  private long cursor;

  /// Of an mm, addresses to be filled.
  private record Stretch(LateSpace space, long start, long end) {}

  /// @param putting held while pages are put in @param tell called when a space has all its pages
  BackgroundFill(PageSource source, List<LateSpace> spaces, Lock putting, TouchOrder earlier, LateFigures figures,
      Runnable tell) {
    this.source = source;
    this.spaces = spaces;
    this.putting = putting;
    this.earlier = earlier;
    this.figures = figures;
    this.tell = tell;
  }

  /// Makes the threads, which wait for [#begin]. First of all, by whoever makes the thread that may call [#stop].
  ///
  /// @param failed told why no more pages can be had
  void start(Consumer<String> failed) {
    for (int i = 0; i < THREADS; i++) {
      threads.add(Thread.ofPlatform().name("stasis-fill-" + i).daemon().start(() -> {
        try {
          begun.await();
          fill();
        } catch (ImageException e) {
          failed.accept(String.valueOf(e.getMessage()));
        } catch (InterruptedException | RuntimeException | Error e) {
          failed.accept("the fill broke: " + e);
        }
      }));
    }
  }

  /// All spaces are known. May come when it was stopped already.
  void begin() {
    synchronized (wanted) {
      for (Touch touch : earlier.touches()) {
        LateSpace.of(spaces, touch.mm()).ifPresent(space -> wanted.add(stretch(space, touch.start())));
      }
    }
    begun.countDown();
  }

  /// Returns when no thread is at it any more.
  void stop() {
    stopping.set(true);
    begun.countDown();
    for (Thread thread : threads) {
      Threads.awaitEnd(thread);
    }
  }

  private static Stretch stretch(LateSpace space, long address) {
    long start = address & -TouchOrder.STRETCH_BYTES;
    return new Stretch(space, start, start + TouchOrder.STRETCH_BYTES);
  }

  /// A page was asked for: what is near it comes next.
  void touched(LateSpace space, long page) {
    synchronized (wanted) {
      Stretch near = stretch(space, page);
      if (space.mm().isEmpty() || touched.add(new Touch(space.mm().get(), near.start()))) {
        wanted.addFirst(near);
      }
    }
  }

  TouchOrder order() {
    synchronized (wanted) {
      return new TouchOrder(new ArrayList<>(touched)).before(earlier);
    }
  }

  private void fill() throws ImageException {
    try (ChunkBuffer buffer = new ChunkBuffer(source)) {
      while (!stopping.get()) {
        Optional<Stretch> next = next();
        if (next.isEmpty()) {
          tell.run();
          LockSupport.parkNanos(spaces.isEmpty() ? PAUSE_NS * 10 : PAUSE_NS);
        } else {
          fill(next.get(), buffer);
        }
      }
    }
  }

  private Optional<Stretch> next() {
    synchronized (wanted) {
      if (!wanted.isEmpty()) {
        return Optional.of(wanted.removeFirst());
      }
      for (LateSpace space : spaces) {
        // Two threads walk one behind the other, and begin anew where pages have moved meanwhile.
        Optional<Piece> piece = space.missing().from(cursor).or(() -> space.missing().from(0));
        if (piece.isPresent()) {
          Stretch found = stretch(space, piece.get().start());
          cursor = found.end();
          return Optional.of(found);
        }
      }
      return Optional.empty();
    }
  }

  private void fill(Stretch stretch, ChunkBuffer buffer) throws ImageException {
    LateSpace space = stretch.space();
    for (long at = stretch.start(); at < stretch.end() && !stopping.get();) {
      Optional<Piece> rest = space.missing().from(at).filter(piece -> piece.start() < stretch.end());
      if (rest.isEmpty()) {
        return;
      }
      Piece whole = rest.get();
      long inChunk = PageSource.CHUNK_BYTES - whole.sectionOffset() % PageSource.CHUNK_BYTES;
      Piece piece = whole.within(whole.start(), whole.start() + Math.min(AT_ONCE_BYTES,
          Math.min(inChunk, stretch.end() - whole.start())));
      long from = buffer.addressOf(piece.sectionOffset());
      switch (put(space, piece, from)) {
        case DONE -> {
          figures.background(piece.lengthBytes());
          at = piece.end();
        }
        case CHANGING -> LockSupport.parkNanos(PAUSE_NS);
        case STALE -> { }
        case GONE -> {
          return;
        }
      }
    }
  }

  private LateSpace.Put put(LateSpace space, Piece piece, long from) {
    putting.lock();
    try {
      return space.put(piece, from);
    } finally {
      putting.unlock();
    }
  }
}
