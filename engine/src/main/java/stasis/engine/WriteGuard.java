package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.abi.Uffd;
import stasis.linux.abi.UffdMessage;
import stasis.linux.sys.Syscalls;
import stasis.linux.sys.Threads;
import stasis.linux.sys.Userfault;

/// Has shared memory copied before it is written to, by a program that runs: who writes to a block waits until the copy
/// has it. Another thread copies all the rest; then the protection is gone. docs/designs/shared-memory.md.
///
/// What the program does that protection cannot follow ends it: the program is set free at once, and the copy is void.
final class WriteGuard implements AutoCloseable {
  private static final short POLLIN = 1;
  private static final int MESSAGES_AT_ONCE = 64;
  private static final long IDLE_NS = 200_000_000;
  private static final long BUSY_NS = 200_000;
  /// For one that is not heard of: 2 s.
  private static final int LOOKS = 10_000;
  private static final long PAGE = 4096;

  /// A mapping of a body. @param offset of its start in the body
  record Range(RemoteAddress start, long lengthBytes, long offset, ProtectedBody body) {
    boolean holds(long address) {
      return address >= start.bits() && address < start.bits() + lengthBytes;
    }
  }

  /// One memory. @param task whose it is, or who has forked
  record Guarded(Tid task, Userfault userfault, List<Range> ranges) {}

  /// Somebody waits for a block.
  private record Wait(Guarded by, Range range, long address) {}

  private final List<Guarded> all;
  private final List<ProtectedBody> bodies;
  private final List<Witness> witnesses;
  private final Bell bell;
  private final AtomicReference<Optional<String>> failure = new AtomicReference<>(Optional.empty());
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Thread server = Thread.ofPlatform().name("stasis-writes").daemon().unstarted(this::serve);
  private final Thread copier = Thread.ofPlatform().name("stasis-shared").daemon().unstarted(this::copy);
  private volatile boolean stopping;
  private volatile boolean copied;

  private WriteGuard(List<Guarded> all, List<ProtectedBody> bodies, List<Witness> witnesses, Bell bell) {
    this.all = new ArrayList<>(all);
    this.bodies = bodies;
    this.witnesses = witnesses;
    this.bell = bell;
  }

  /// From here on the program may run. @param all protected already; closed in the end
  static WriteGuard start(List<Guarded> all, List<ProtectedBody> bodies, List<Witness> witnesses)
      throws SyscallException {
    var guard = new WriteGuard(all, bodies, witnesses, Bell.make());
    try {
      guard.copier.start();
      guard.server.start();
      return guard;
    } catch (RuntimeException | Error e) {
      guard.stopping = true;
      guard.joinCopier();
      guard.bell.close();
      throw e;
    }
  }

  /// From then on nobody uses the copies.
  private void joinCopier() {
    Threads.awaitEnd(copier);
  }

  private void copy() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment chunk = arena.allocate(ProtectedBody.CHUNK_BYTES, PAGE);
      for (ProtectedBody body : bodies) {
        for (BodySource.Data stretch : body.data()) {
          for (long at = 0; at < stretch.lengthBytes() && !stopping && failure.get().isEmpty();
              at += ProtectedBody.CHUNK_BYTES) {
            body.copy(stretch.start() + at, Math.min(ProtectedBody.CHUNK_BYTES, stretch.lengthBytes() - at), chunk);
          }
        }
      }
      copied = true;
    } catch (SyscallException | RuntimeException | Error e) {
      fail("it cannot be copied: " + e.getMessage());
    }
    bell.ring();
  }

  private void serve() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment messages = arena.allocate((long) MESSAGES_AT_ONCE * Uffd.MESSAGE_BYTES, 8);
      MemorySegment chunk = arena.allocate(ProtectedBody.CHUNK_BYTES, PAGE);
      Deque<Wait> waits = new ArrayDeque<>();
      int unsettled = 0;
      while (!stopping && failure.get().isEmpty()) {
        await(waits.isEmpty() && !copied ? IDLE_NS : BUSY_NS);
        for (Guarded one : List.copyOf(all)) {
          hear(one, messages, waits);
        }
        serve(waits, chunk);
        if (copied && isSettled()) {
          witnesses.stream().map(Witness::objection).flatMap(Optional::stream).findFirst().ifPresent(this::fail);
          break;
        }
        if (copied && ++unsettled > LOOKS) {
          fail("the kernel says that it is changing, and not how"); // mremap(2) may fail in the middle
        }
      }
    } catch (SyscallException | RuntimeException | Error e) {
      fail("its writers cannot be followed: " + e.getMessage());
    } finally {
      all.forEach(one -> one.userfault().close());
      ended.countDown();
    }
  }

  private void await(long ns) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment polls = call.allocate(8L * (all.size() + 1), 8);
      for (int i = 0; i <= all.size(); i++) {
        polls.set(JAVA_INT, 8L * i, i < all.size() ? all.get(i).userfault().fd().value() : bell.fd().value());
        polls.set(JAVA_SHORT, 8L * i + 4, POLLIN);
      }
      Syscalls.call(Nr.PPOLL, polls.address(), all.size() + 1L, call.allocateFrom(JAVA_LONG, 0, ns).address(), 0, 0);
    }
    bell.hush();
  }

  private void hear(Guarded one, MemorySegment messages, Deque<Wait> waits) throws SyscallException {
    for (List<UffdMessage> told = one.userfault().read(messages); !told.isEmpty();
        told = one.userfault().read(messages)) {
      for (UffdMessage message : told) {
        switch (message) {
          case UffdMessage.Fault(RemoteAddress address, _) -> waits.add(waiting(one, address.bits()));
          // Its memory is the parent's, protected as that was.
          case UffdMessage.Fork(var child) -> all.add(new Guarded(one.task(), new Userfault(child), one.ranges()));
          case UffdMessage.Remap(var from, _, long lengthBytes) -> lost(one, from.bits(), lengthBytes, "mremap");
          case UffdMessage.Remove(var start, var end) -> lost(one, start.bits(), end.bits() - start.bits(), "madvise");
          case UffdMessage.Unmap _ -> { }
        }
      }
    }
  }

  private static Wait waiting(Guarded by, long address) throws SyscallException {
    Range range = by.ranges().stream().filter(one -> one.holds(address)).findFirst().orElseThrow(() ->
        new SyscallException(Nr.READ, Errno.EFAULT, "task " + by.task() + " waits at " + new RemoteAddress(address)));
    return new Wait(by, range, address);
  }

  /// Who made the event goes on once it has been read. Where the copy has it all there is nothing to lose; memory that
  /// was moved may be seen at its old place and, unprotected, at its new one.
  private void lost(Guarded one, long start, long lengthBytes, String call) {
    for (Range range : one.ranges()) {
      long from = Math.max(start, range.start().bits());
      long to = Math.min(start + lengthBytes, range.start().bits() + range.lengthBytes());
      boolean moved = call.equals("mremap") && range.holds(start);
      if ((from < to || moved) && !(moved ? copied
          : range.body().has(range.offset() + from - range.start().bits(), to - from))) {
        fail("task " + one.task() + ", or a child of it, has changed it with " + call + "(2) before it was copied");
      }
    }
  }

  private void serve(Deque<Wait> waits, MemorySegment chunk) throws SyscallException {
    for (int left = waits.size(); left > 0 && failure.get().isEmpty(); left--) {
      Wait wait = waits.removeFirst();
      Range range = wait.range();
      long at = range.offset() + wait.address() - range.start().bits();
      long block = at - at % ProtectedBody.BLOCK_BYTES;
      range.body().copy(block, ProtectedBody.BLOCK_BYTES, chunk);
      long from = Math.max(block, range.offset());
      long to = Math.min(block + ProtectedBody.BLOCK_BYTES, range.offset() + range.lengthBytes());
      RemoteAddress start = range.start().plus(from - range.offset());
      long lifted = wait.by().userfault().writeProtect(start, to - from, 0);
      if (lifted == -Errno.EAGAIN.number()) {
        waits.addLast(wait); // there is something to be read first
      } else if (Errno.isError(lifted)) {
        // Unmapped meanwhile, or its process has ended: whoever waits shall look again.
        wait.by().userfault().wake(start, to - from);
      }
    }
  }

  /// Whether nothing happened, until all was copied, that has not been heard of: until it is read the kernel refuses to
  /// change the protection (fs/userfaultfd.c, mmap_changing).
  private boolean isSettled() {
    return all.stream().allMatch(one -> one.userfault().writeProtect(one.ranges().getFirst().start(), PAGE, 0)
        != -Errno.EAGAIN.number());
  }

  private void fail(String why) {
    if (failure.compareAndSet(Optional.empty(), Optional.of(why))) {
      bodies.forEach(body -> body.fail(why));
      bell.ring();
    }
  }

  /// Waits until all is copied and the program is free of it.
  ///
  /// @return why the copy is void, if it is
  Optional<String> finish() {
    boolean interrupted = false;
    while (true) {
      try {
        ended.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
        fail("the checkpoint was interrupted");
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return failure.get();
  }

  /// Sets the program free.
  @Override
  public void close() {
    stopping = true;
    bell.ring();
    finish();
    joinCopier();
    bell.close();
  }
}
