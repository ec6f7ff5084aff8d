package stasis.live;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// Counts the calls of an engine, by what they ask, and does something at one of them.
final class FaultGate implements Syscalls.Gate {
  private static final long LATE_NS = 50_000_000;
  private static final int SIGKILL = 9;
  /// Calls that cannot fail, or whose failure says that something is done all the same.
  private static final Set<Nr> NEVER_FAIL = Set.of(Nr.GETPID, Nr.GETTID, Nr.GETUID, Nr.GETEUID, Nr.GETGID, Nr.CLOSE,
      Nr.KILL, Nr.PIDFD_SEND_SIGNAL, Nr.EXIT, Nr.EXIT_GROUP, Nr.SCHED_YIELD);
  /// Calls that a signal interrupts (signal(7)).
  private static final Set<Nr> INTERRUPTIBLE = Set.of(Nr.WAIT4, Nr.WAITID, Nr.READ, Nr.WRITE, Nr.PPOLL, Nr.FUTEX,
      Nr.SENDMSG, Nr.RECVMSG, Nr.CLOCK_NANOSLEEP);
  /// Whose second argument says what is asked; of others the first.
  private static final Set<Nr> BY_SECOND = Set.of(Nr.IOCTL, Nr.FCNTL);
  private static final Set<Nr> BY_FIRST = Set.of(Nr.PTRACE, Nr.PRCTL);
  /// Of a task that is stopped (kernel/ptrace.c, ptrace_detach()).
  private static final String DETACH = Nr.PTRACE.name() + "/11";
  private static final Map<Long, Nr> NAMES = new TreeMap<>();

  static {
    for (Nr nr : Nr.values()) {
      NAMES.put((long) nr.on(Syscalls.HOST), nr);
    }
  }

  /// What happens at the call.
  enum Deed {
    /// It fails; which way the choice says.
    FAILS,
    /// It is made later than the engine thinks.
    LATE,
    /// The process ends before it.
    DIES_BEFORE,
    /// The process ends after it.
    DIES_AFTER,
    /// It never comes back.
    HANGS
  }

  /// @param call what the call asks, see [#key] @param ordinal of those that ask it, from 0
  record Order(Deed deed, String call, int ordinal, int choice) {
    static Order parse(String text) {
      String[] parts = text.split(":");
      return new Order(Deed.valueOf(parts[0]), parts[1], Integer.parseInt(parts[2]), Integer.parseInt(parts[3]));
    }

    String text() {
      return deed + ":" + call + ":" + ordinal + ":" + choice;
    }
  }

  private final Order order;
  private final Map<String, AtomicInteger> counts = new ConcurrentHashMap<>();
  private final AtomicBoolean reached = new AtomicBoolean();

  private FaultGate(Order order) {
    this.order = order;
  }

  /// One that counts only.
  static FaultGate counting() {
    return new FaultGate(new Order(Deed.LATE, "", 0, 0));
  }

  static FaultGate of(Order order) {
    return new FaultGate(order);
  }

  /// How many calls there were of each sort.
  Map<String, Integer> counts() {
    var all = new TreeMap<String, Integer>();
    counts.forEach((key, count) -> all.put(key, count.get()));
    return all;
  }

  boolean reached() {
    return reached.get();
  }

  static boolean mayFail(String key) {
    return !key.equals(DETACH) && NEVER_FAIL.stream().noneMatch(nr -> key.equals(nr.name()));
  }

  private static String key(long number, long[] args) {
    Nr nr = NAMES.get(number);
    if (nr == null) {
      return Long.toString(number);
    }
    return BY_SECOND.contains(nr) ? nr.name() + "/" + Long.toHexString(args[1])
        : BY_FIRST.contains(nr) ? nr.name() + "/" + Long.toHexString(args[0]) : nr.name();
  }

  @Override
  public long call(long number, long[] args) {
    String key = key(number, args);
    int ordinal = counts.computeIfAbsent(key, _ -> new AtomicInteger()).getAndIncrement();
    if (!key.equals(order.call()) || ordinal != order.ordinal()) {
      return Syscalls.kernel(number, args);
    }
    reached.set(true);
    return switch (order.deed()) {
      case FAILS -> -error(key).number();
      case LATE -> {
        LockSupport.parkNanos(LATE_NS);
        yield Syscalls.kernel(number, args);
      }
      case DIES_BEFORE -> die();
      case DIES_AFTER -> {
        Syscalls.kernel(number, args);
        yield die();
      }
      case HANGS -> {
        System.out.println("hangs");
        System.out.flush();
        while (true) {
          LockSupport.park();
        }
      }
    };
  }

  private Errno error(String key) {
    Errno[] errors = INTERRUPTIBLE.stream().anyMatch(nr -> key.equals(nr.name()))
        ? new Errno[] {Errno.EINTR, Errno.EIO} : new Errno[] {Errno.EIO, Errno.ENOMEM, Errno.EPERM};
    return errors[Math.floorMod(order.choice(), errors.length)];
  }

  private static long die() {
    return Syscalls.kernel(Nr.KILL.on(Syscalls.HOST), ProcessHandle.current().pid(), SIGKILL);
  }
}
