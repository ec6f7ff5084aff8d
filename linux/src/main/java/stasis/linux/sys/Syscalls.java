package stasis.linux.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;

/// Raw `syscall(2)` on the calling OS thread. The result is the kernel's own: minus errno, or the value, so callers see
/// one shape.
///
/// EINTR is never retried here; who may retry knows the call (signal(7), "Interruption of system calls").
public final class Syscalls {
  private static final CFunction SYSCALL = CFunction.of("syscall");
  private static final CFunction POSIX_SPAWN = CFunction.of("posix_spawn");
  private static final CFunction CLONE = CFunction.of("clone");

  /// The machine this JVM runs on.
  public static final Arch HOST = switch (System.getProperty("os.arch")) {
    case "amd64", "x86_64" -> Arch.X86_64;
    case "aarch64" -> Arch.AARCH64;
    default -> throw new IllegalStateException("stasis knows x86_64 and aarch64 only");
  };

  /// Who stands between a thread and the kernel. Threads that it starts inherit it.
  private static final InheritableThreadLocal<Gate> GATE = new InheritableThreadLocal<>() {
    @Override
    protected Gate initialValue() {
      return Gate.OPEN;
    }
  };

  /// What decides on a call before the kernel hears of it: part of the engine, open by default. A test makes a call fail,
  /// late, or the last one of its process.
  @FunctionalInterface
  public interface Gate {
    /// Every call is made.
    Gate OPEN = (number, args) -> kernel(number, args);

    /// @return what the caller is told: the kernel's result, or minus errno
    long call(long number, long[] args);
  }

  private Syscalls() {}

  /// Does some work with a gate between it and the kernel, for its thread and for those that it starts.
  public static <T> T through(Gate gate, Supplier<T> work) {
    Gate before = GATE.get();
    GATE.set(gate);
    try {
      return work.get();
    } finally {
      GATE.set(before);
    }
  }

  /// @return the kernel's result, or minus errno
  public static long call(Nr nr, long... args) {
    return callNumber(nr.on(HOST), args);
  }

  /// For the few calls only this architecture has.
  public static long callNumber(long number, long... args) {
    if (args.length > 6) {
      throw new IllegalArgumentException("a syscall takes at most 6 arguments, got " + args.length);
    }
    return GATE.get().call(number, args);
  }

  /// Past every gate.
  public static long kernel(long number, long... args) {
    return SYSCALL.orErrno(number, at(args, 0), at(args, 1), at(args, 2), at(args, 3), at(args, 4), at(args, 5));
  }

  /// As [#call], an error turned into an exception.
  ///
  /// @param attempt what is being tried, for whom; see [SyscallException]
  public static long require(String attempt, Nr nr, long... args) throws SyscallException {
    long result = call(nr, args);
    if (Errno.isError(result)) {
      throw new SyscallException(nr, Errno.of(result), attempt);
    }
    return result;
  }

  /// posix_spawn(3): never `ProcessBuilder`, whose reaper thread eats the ptrace stops of its children.
  ///
  /// @param path NUL-terminated @param argv @param envp null-terminated pointer arrays
  /// @return the child's pid, or minus errno
  public static long spawn(MemorySegment path, MemorySegment argv, MemorySegment envp) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pid = arena.allocate(JAVA_INT);
      int error = POSIX_SPAWN.asInt(pid.address(), path.address(), 0, 0, argv.address(), envp.address());
      return error != 0 ? -error : pid.get(JAVA_INT, 0);
    }
  }

  /// clone(3): a child of this process that runs machine code and never Java. Without CLONE_VM its memory is a copy of
  /// ours.
  ///
  /// @param code address of a function that takes a pointer and does not return @param stackTop aligned to 16
  /// @return the child's pid, or -1
  public static int cloneInto(long code, long stackTop, int flags, long argument) {
    return CLONE.asInt(code, stackTop, flags, argument);
  }

  private static long at(long[] args, int i) {
    return i < args.length ? args[i] : 0;
  }
}
