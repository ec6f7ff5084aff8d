package stasis.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import stasis.linux.sys.Threads;
import stasis.resource.ObstructedException;

/// Makes many things of one sort with all CPUs: what is read of threads in /proc, which is not the tracer's alone to ask.
final class SideBySide<T> {
  /// Fewer are made before another thread has started.
  private static final int WORTH = 256;
  /// How many are made before it is seen what is left: on a busy machine one of the CPUs does most.
  private static final int PIECE = 32;

  interface Making<T> {
    /// On any thread.
    T make(int index) throws ObstructedException;
  }

  /// What came of one piece.
  private sealed interface Piece<T> {
    record Made<T>(List<T> things) implements Piece<T> {}

    record Obstructed<T>(ObstructedException reason) implements Piece<T> {}

    record Broken<T>(Throwable reason) implements Piece<T> {}
  }

  private final int count;
  private final Making<T> making;
  private final AtomicInteger next = new AtomicInteger();
  private final Map<Integer, Piece<T>> pieces = new ConcurrentHashMap<>();

  private SideBySide(int count, Making<T> making) {
    this.count = count;
    this.making = making;
  }

  /// All of them, in order. @throws ObstructedException of the first that cannot be made
  static <T> List<T> made(int count, Making<T> making) throws ObstructedException {
    var work = new SideBySide<>(count, making);
    List<Thread> helpers = new ArrayList<>();
    for (int i = 1; count >= WORTH && i < Runtime.getRuntime().availableProcessors(); i++) {
      helpers.add(Thread.ofPlatform().name("stasis-look-" + i).daemon().start(work::work));
    }
    work.work();
    helpers.forEach(Threads::awaitEnd);
    return work.all();
  }

  private void work() {
    for (int piece = next.getAndIncrement(); piece * PIECE < count; piece = next.getAndIncrement()) {
      pieces.put(piece, piece(piece * PIECE, Math.min(count, (piece + 1) * PIECE)));
    }
  }

  private Piece<T> piece(int from, int to) {
    try {
      var things = new ArrayList<T>(to - from);
      for (int i = from; i < to; i++) {
        things.add(making.make(i));
      }
      return new Piece.Made<>(things);
    } catch (ObstructedException e) {
      return new Piece.Obstructed<>(e);
    } catch (RuntimeException | Error e) {
      return new Piece.Broken<>(e);
    }
  }

  private List<T> all() throws ObstructedException {
    var all = new ArrayList<T>(count);
    for (int piece = 0; piece * PIECE < count; piece++) {
      switch (GroupPlan.require(pieces, piece)) {
        case Piece.Made<T>(var things) -> all.addAll(things);
        case Piece.Obstructed<T>(var reason) -> throw reason;
        case Piece.Broken<T>(RuntimeException reason) -> throw reason;
        case Piece.Broken<T>(Error reason) -> throw reason;
        case Piece.Broken<T>(var reason) -> throw new AssertionError("a look broke", reason);
      }
    }
    return all;
  }
}
