package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import stasis.engine.MissingPages.Piece;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Uffd;
import stasis.linux.abi.UffdMessage;
import stasis.linux.sys.Syscalls;
import stasis.linux.sys.Threads;
import stasis.repository.ImageException;
import stasis.repository.PageSource;
import stasis.tracee.stub.ServerGuard;

/// Puts pages into a restored tree that runs already: those it asks for at once, the others beside, in the order they
/// were touched after earlier restores. docs/designs/lazy-restore.md.
///
/// Pages are put in under the read lock; what the program does with its memory is heard of, and followed, under the
/// write lock. A program that does such a thing waits until it was heard.
final class PageServer implements AutoCloseable {
  private static final int POLLIN = 1;
  private static final int MESSAGES_AT_ONCE = 64;
  private static final long IDLE_NS = 200_000_000;
  private static final long BUSY_NS = 1_000_000;
  private static final int LOOKS_AT_ONCE = 500;
  /// How long after the last process has ended its memory may be there.
  private static final long DEATH_NS = 10_000_000_000L;

  private final PageSource source;
  private final LongSupplier monotonicNs;
  private final Practice practice;
  private final ServerGuard guard;
  private final Bell bell;
  private final List<LateSpace> spaces = new CopyOnWriteArrayList<>();
  private final ReadWriteLock lock = new ReentrantReadWriteLock(true);
  private final ServedProcesses processes = new ServedProcesses();
  private final LateFigures figures;
  private final BackgroundFill background;
  private final AtomicBoolean stopping = new AtomicBoolean();
  private final AtomicBoolean letGo = new AtomicBoolean();
  private final AtomicReference<Optional<String>> failure = new AtomicReference<>(Optional.empty());
  private final CompletableFuture<Optional<String>> ended = new CompletableFuture<>();
  private final Thread thread = Thread.ofPlatform().name("stasis-faults").daemon().unstarted(this::serve);
  private volatile boolean guarding;
  private volatile boolean running;
  private boolean unidentified;
  private int looks;
  private Optional<Long> deadSinceNs = Optional.empty();

  /// A thread waits for a page.
  private record Wait(LateSpace space, long page) {}

  private PageServer(PageSource source, TouchOrder order, LongSupplier monotonicNs, Practice practice, Bell bell)
      throws SyscallException {
    this.source = source;
    this.monotonicNs = monotonicNs;
    this.practice = practice;
    this.guard = practice.guard();
    this.bell = bell;
    this.figures = new LateFigures();
    this.background = new BackgroundFill(source, spaces, lock.readLock(), order, figures, bell::ring);
  }

  /// Starts to serve; nothing is there to serve yet. What can be lacking, threads too, is lacking before there is a tree.
  ///
  /// @param source closed in the end
  static PageServer start(PageSource source, TouchOrder order, LongSupplier monotonicNs, Practice practice)
      throws SyscallException {
    Bell bell = Bell.make();
    try {
      PageServer server = new PageServer(source, order, monotonicNs, practice, bell);
      server.startThreads();
      return server;
    } catch (SyscallException | RuntimeException | Error e) {
      bell.close();
      source.close();
      throw e;
    }
  }

  private void startThreads() {
    try {
      background.start(this::fail);
      thread.start();
    } catch (RuntimeException | Error e) {
      background.stop();
      practice.giveBack(guard);
      throw e;
    }
  }

  /// Serves one more mm from now on.
  ///
  /// @throws StepFailedException this has ended already
  void add(LateSpace space) throws StepFailedException {
    spaces.add(space);
    bell.ring();
    requireSound();
  }

  private void requireSound() throws StepFailedException {
    Optional<String> failed = failure.get();
    if (failed.isPresent()) {
      throw new StepFailedException(failed.get());
    }
  }

  List<LateSpace> spaces() {
    return spaces;
  }

  /// All is in place: from here on the tree ends with this server, if that ends too early.
  ///
  /// @throws StepFailedException this has ended already
  void guard(Collection<Integer> pids) throws SyscallException, StepFailedException {
    processes.add(pids);
    guard.watch(processes.all());
    guarding = true;
    requireSound();
  }

  /// The tree runs.
  void run() {
    figures.begin(monotonicNs.getAsLong(), spaces.stream().mapToLong(space -> space.missing().bytes()).sum());
    background.begin();
    running = true;
    bell.ring();
  }

  LateFigures figures() {
    return figures;
  }

  /// What was touched first, this time before earlier times.
  TouchOrder order() {
    return background.order();
  }

  /// Ends when every page is in, or nobody wants one any more. @return why the tree was killed, if it was
  CompletableFuture<Optional<String>> ended() {
    return ended;
  }

  /// From any thread: pages cannot be had any more.
  private void fail(String reason) {
    failure.compareAndSet(Optional.empty(), Optional.of(reason));
    bell.ring();
  }

  /// The tree dies. Whoever dies leaves no child behind that was not seen: a fork(2) of which nobody has heard fails.
  ///
  /// @return false: somebody still has memory who was not found, or does not die
  private boolean killTree() {
    long end = deadSinceNs.orElseGet(monotonicNs::getAsLong) + DEATH_NS;
    while (spaces.stream().anyMatch(space -> !space.lookWhetherGone())) {
      if (monotonicNs.getAsLong() > end) {
        return false;
      }
      processes.look();
      processes.kill();
      LockSupport.parkNanos(BUSY_NS);
    }
    return true;
  }

  private void letGo() {
    spaces.removeIf(space -> {
      space.uffd().close();
      return true;
    });
    if (!letGo.getAndSet(true)) {
      practice.giveBack(guard);
      processes.close();
    }
  }

  /// Whatever happens here, nobody waits for good: what is not let go of is the guard's when this process ends.
  private void finish() {
    try {
      background.stop();
      source.close();
      // What is not guarded yet will not run: its restore fails.
      if (failure.get().isEmpty() || !guarding || killTree()) {
        letGo();
      }
    } catch (RuntimeException | Error e) {
      fail("the server of pages could not end: " + e);
    } finally {
      bell.close();
      figures.end(monotonicNs.getAsLong());
      ended.complete(failure.get());
    }
  }

  private void serve() {
    try (Arena arena = Arena.ofConfined(); ChunkBuffer buffer = new ChunkBuffer(source)) {
      Deque<Wait> waits = new ArrayDeque<>();
      MemorySegment messages = arena.allocate((long) MESSAGES_AT_ONCE * Uffd.MESSAGE_BYTES, 8);
      while (!isOver()) {
        List<LateSpace> now = List.copyOf(spaces);
        boolean idle = waits.isEmpty() && (!unidentified || looks > LOOKS_AT_ONCE);
        await(now, idle ? IDLE_NS : BUSY_NS);
        for (LateSpace space : now) {
          hear(space, messages, waits);
        }
        for (int i = waits.size(); i > 0 && !isOver(); i--) {
          answer(waits.removeFirst(), buffer, waits);
        }
        identify();
        retire(messages, waits);
      }
    } catch (ImageException e) {
      fail(String.valueOf(e.getMessage()));
    } catch (SyscallException | RuntimeException | Error e) {
      fail("the server of pages broke: " + e);
    } finally {
      finish();
    }
  }

  private boolean isOver() {
    return stopping.get() || failure.get().isPresent() || running && spaces.isEmpty();
  }

  private void await(List<LateSpace> now, long ns) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment polls = call.allocate(8L * (now.size() + 1), 8);
      for (int i = 0; i <= now.size(); i++) {
        polls.set(JAVA_INT, 8L * i, i < now.size() ? now.get(i).uffd().fd().value()
            : bell.fd().value());
        polls.set(JAVA_SHORT, 8L * i + 4, (short) POLLIN);
      }
      MemorySegment time = call.allocateFrom(JAVA_LONG, 0, ns);
      Syscalls.call(Nr.PPOLL, polls.address(), now.size() + 1L, time.address(), 0, 0);
    }
    bell.hush();
  }

  /// Reads what there is to hear of one mm, and follows it. A child's descriptor is the guard's as it is ours; but
  /// whose it is we learn after, so meanwhile the guard would stay.
  private void hear(LateSpace space, MemorySegment messages, Deque<Wait> waits) throws SyscallException {
    Lock alone = lock.writeLock();
    alone.lock();
    try {
      guard.stay(true);
      for (List<UffdMessage> told = space.uffd().read(messages); !told.isEmpty();
          told = space.uffd().read(messages)) {
        for (UffdMessage message : told) {
          if (message instanceof UffdMessage.Fault fault) {
            waits.add(new Wait(space, LateSpace.pageOf(fault.address())));
          } else {
            space.follow(message).ifPresent(child -> {
              spaces.add(child);
              unidentified = true;
              looks = 0;
            });
          }
        }
        if (told.size() < MESSAGES_AT_ONCE) {
          break;
        }
      }
      if (!unidentified) {
        guard.stay(false);
      }
    } finally {
      alone.unlock();
    }
  }

  private void answer(Wait wait, ChunkBuffer buffer, Deque<Wait> waits) throws ImageException {
    LateSpace space = wait.space();
    Optional<Piece> piece = space.missing().at(wait.page()).map(whole -> ChunkBuffer.urgent(whole, wait.page()));
    if (piece.isEmpty()) {
      LateSpace.Put put = underLock(() -> space.zero(wait.page()));
      if (put == LateSpace.Put.DONE) {
        figures.zero();
      }
      again(put, wait, waits);
      return;
    }
    long from = buffer.addressOf(piece.get().sectionOffset());
    LateSpace.Put put = underLock(() -> space.put(piece.get(), from));
    if (put == LateSpace.Put.DONE) {
      figures.fault(piece.get().lengthBytes());
      background.touched(space, wait.page());
    }
    again(put, wait, waits);
  }

  private static void again(LateSpace.Put put, Wait wait, Deque<Wait> waits) {
    if (put == LateSpace.Put.CHANGING || put == LateSpace.Put.STALE) {
      waits.add(wait);
    }
  }

  private LateSpace.Put underLock(Supplier<LateSpace.Put> act) {
    lock.readLock().lock();
    try {
      return act.get();
    } finally {
      lock.readLock().unlock();
    }
  }

  /// Finds out which processes have been born, so that the guard knows whom to end.
  private void identify() throws SyscallException {
    if (!unidentified) {
      return;
    }
    looks++;
    if (processes.look()) {
      guard.watch(processes.all());
    }
    long born = spaces.stream().filter(space -> space.mm().isEmpty() && !space.lookWhetherGone()).count();
    if (born == 0 || processes.bornAndServed() >= born) {
      unidentified = false;
      guard.stay(false);
    }
  }

  /// Lets go of every mm that has all its pages. Between the last page and the last message nothing can be lost: while
  /// a child is being born no page is put in (fs/userfaultfd.c, mmap_changing).
  private void retire(MemorySegment messages, Deque<Wait> waits) throws SyscallException {
    if (!running) {
      return;
    }
    for (LateSpace space : spaces) {
      if (space.missing().isEmpty() || space.lookWhetherGone()) {
        hear(space, messages, waits);
        letGo(space);
      }
    }
    waits.removeIf(wait -> !spaces.contains(wait.space()));
    giveUpTheDead();
  }

  /// Nobody is left who could be told of, and yet the kernel does not say that their memory is gone.
  private void giveUpTheDead() {
    if (spaces.isEmpty() || !spaces.stream().allMatch(LateSpace::isChanging) || !processes.areDead()) {
      deadSinceNs = Optional.empty();
    } else if (deadSinceNs.isEmpty()) {
      deadSinceNs = Optional.of(monotonicNs.getAsLong());
    } else if (monotonicNs.getAsLong() - deadSinceNs.get() > DEATH_NS) {
      fail("all its processes have ended, and the kernel still says that their memory is changing");
    }
  }

  private void letGo(LateSpace space) {
    lock.writeLock().lock();
    try {
      if (space.missing().isEmpty()) {
        spaces.remove(space);
        space.uffd().close();
      }
    } finally {
      lock.writeLock().unlock();
    }
  }

  /// Of a restore that failed: its tasks are gone.
  @Override
  public void close() {
    if (!running && !stopping.getAndSet(true)) {
      bell.ring();
      Threads.awaitEnd(thread);
      letGo();
    }
  }
}
