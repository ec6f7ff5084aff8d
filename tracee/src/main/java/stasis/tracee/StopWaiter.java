package stasis.tracee;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.linux.sys.WakeSignal;

/// wait4(2) with a deadline, for the tracer thread. It looks a few times, then blocks: on a busy machine a tracer that
/// polls takes the CPU its tracee needs. A timer of this thread breaks the blocking with [WakeSignal] at the deadline,
/// and every millisecond from then on, should the first signal come just before the call.
final class StopWaiter implements AutoCloseable {
  private static final int WALL = 0x40000000;
  private static final int WNOTHREAD = 0x20000000;
  private static final int WNOHANG = 1;
  private static final int WSTOPPED_EXITED = 2 | 4;
  private static final int P_PID = 1;
  private static final int SIGINFO_BYTES = 128;
  private static final int SI_PID = 16;
  private static final int WNOWAIT = 0x01000000;
  private static final int SIG_UNBLOCK = 1;
  private static final int SIGEV_THREAD_ID = 4;
  private static final int CLOCK_MONOTONIC = 1;
  private static final int LOOKS = 24;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment status = arena.allocate(JAVA_INT);
  private final MemorySegment siginfo = arena.allocate(SIGINFO_BYTES, Long.BYTES);
  private final MemorySegment clock = arena.allocate(32, 8);
  private final long timer;
  /// Tracees of this thread that somebody has heard of.
  private final Set<Tid> known = new HashSet<>();

  /// To be made on the thread that will wait.
  StopWaiter() {
    WakeSignal.install();
    MemorySegment event = arena.allocate(64, 8);
    event.set(JAVA_LONG, 0, 1L << (WakeSignal.NUMBER - 1));
    Syscalls.call(Nr.RT_SIGPROCMASK, SIG_UNBLOCK, event.address(), 0, 8);
    event.fill((byte) 0);
    event.set(JAVA_INT, 8, WakeSignal.NUMBER);
    event.set(JAVA_INT, 12, SIGEV_THREAD_ID);
    event.set(JAVA_INT, 16, (int) Syscalls.call(Nr.GETTID));
    MemorySegment id = arena.allocate(JAVA_INT);
    long made = Syscalls.call(Nr.TIMER_CREATE, CLOCK_MONOTONIC, event.address(), id.address());
    // EAGAIN (RLIMIT_SIGPENDING): waits then poll.
    timer = made == 0 ? id.get(JAVA_INT, 0) : -1;
  }

  /// The next stop of one tracee, if there is one by now.
  Optional<Stop> poll(Tid tid) throws SyscallException {
    return waited(tid, WNOHANG);
  }

  /// @return empty when the deadline passed first
  Optional<Stop> await(Tid tid, Deadline deadline) throws SyscallException {
    Optional<Stop> stop = poll(tid);
    for (int look = 1; stop.isEmpty() && look < LOOKS; look++) {
      Thread.onSpinWait();
      stop = poll(tid);
    }
    if (stop.isPresent() || deadline.passed()) {
      return stop;
    }
    if (timer < 0) {
      while (stop.isEmpty() && !deadline.passed()) {
        LockSupport.parkNanos(50_000);
        stop = poll(tid);
      }
      return stop;
    }
    arm(deadline);
    try {
      while (stop.isEmpty() && !deadline.passed()) {
        stop = waited(tid, 0);
      }
      return stop;
    } finally {
      disarm();
    }
  }

  /// Waits until any tracee or child of this thread has something to show, and leaves it there.
  ///
  /// @return who; empty when the deadline passed first, and now and then without reason
  Optional<Tid> awaitAny(Deadline deadline) {
    if (timer < 0 || deadline.passed()) {
      LockSupport.parkNanos(50_000);
      return Optional.empty();
    }
    arm(deadline);
    try {
      long result = Syscalls.call(Nr.WAITID, 0, 0, siginfo.address(), WSTOPPED_EXITED | WNOWAIT | WALL | WNOTHREAD, 0);
      int pid = siginfo.get(JAVA_INT, SI_PID);
      return result == 0 && pid > 0 ? Optional.of(new Tid(pid)) : Optional.empty();
    } finally {
      disarm();
    }
  }

  Tid know(Tid tracee) {
    known.add(tracee);
    return tracee;
  }

  void forget(Tid tracee) {
    known.remove(tracee);
  }

  boolean knows(Tid tracee) {
    return known.contains(tracee);
  }

  /// Whether a tracee has stopped or ended and was not waited for since; for any thread of its tracer's process.
  static boolean hasNews(Tid tid) {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment told = call.allocate(SIGINFO_BYTES, Long.BYTES);
      return Syscalls.call(Nr.WAITID, P_PID, tid.value(), told.address(), WSTOPPED_EXITED | WNOWAIT | WNOHANG | WALL, 0)
          == 0 && told.get(JAVA_INT, SI_PID) == tid.value();
    }
  }

  /// EINTR is no stop, and the caller looks at the clock.
  private Optional<Stop> waited(Tid tid, int options) throws SyscallException {
    long result = Syscalls.call(Nr.WAIT4, tid.value(), status.address(), WALL | options, 0);
    if (result == 0 || result == -Errno.EINTR.number()) {
      return Optional.empty();
    }
    if (Errno.isError(result)) {
      throw new SyscallException(Nr.WAIT4, Errno.of(result), "wait for task " + tid);
    }
    Stop stop = Stop.decode(tid, status.get(JAVA_INT, 0));
    if (stop.isFinal()) {
      forget(tid);
    }
    return Optional.of(stop);
  }

  private void arm(Deadline deadline) {
    long leftNs = Math.max(1, deadline.atNs() - System.nanoTime());
    set(1_000_000, leftNs);
  }

  private void disarm() {
    set(0, 0);
  }

  private void set(long intervalNs, long firstNs) {
    clock.set(JAVA_LONG, 0, 0);
    clock.set(JAVA_LONG, 8, intervalNs);
    clock.set(JAVA_LONG, 16, firstNs / 1_000_000_000L);
    clock.set(JAVA_LONG, 24, firstNs % 1_000_000_000L);
    Syscalls.call(Nr.TIMER_SETTIME, timer, 0, clock.address(), 0);
  }

  @Override
  public void close() {
    if (timer >= 0) {
      Syscalls.call(Nr.TIMER_DELETE, timer);
    }
    arena.close();
  }
}
