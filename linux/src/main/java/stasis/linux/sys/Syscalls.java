package stasis.linux.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.function.Supplier;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;

/// Raw `syscall(2)` on the calling OS thread. The result is the kernel's own: minus errno, or the value, so callers see
/// one shape. errno is captured per call: a shared capture segment is a data race.
///
/// EINTR is never retried here; who may retry knows the call (signal(7), "Interruption of system calls").
@SuppressWarnings("restricted") // this module is the one that is granted native access
public final class Syscalls {
  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO =
      CALL_STATE.varHandle(MemoryLayout.PathElement.groupElement("errno"));
  private static final MethodHandle SYSCALL = LINKER.downcallHandle(
      LINKER.defaultLookup().findOrThrow("syscall"),
      FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
      Linker.Option.captureCallState("errno"), Linker.Option.firstVariadicArg(1));
  private static final MethodHandle POSIX_SPAWN = LINKER.downcallHandle(
      LINKER.defaultLookup().findOrThrow("posix_spawn"),
      FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
  private static final MethodHandle CLONE = LINKER.downcallHandle(
      LINKER.defaultLookup().findOrThrow("clone"),
      FunctionDescriptor.of(JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_INT, JAVA_LONG), Linker.Option.firstVariadicArg(4));

  /// The machine this JVM runs on.
  public static final Arch HOST = switch (System.getProperty("os.arch")) {
    case "amd64", "x86_64" -> Arch.X86_64;
    case "aarch64" -> Arch.AARCH64;
    case String other -> throw new IllegalStateException("stasis knows x86_64 and aarch64, not " + other);
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
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CALL_STATE);
      long result = (long) SYSCALL.invokeExact(state, number, at(args, 0), at(args, 1), at(args, 2), at(args, 3),
          at(args, 4), at(args, 5));
      return result == -1 ? -(int) ERRNO.get(state, 0L) : result;
    } catch (Throwable t) {
      throw new AssertionError("downcall syscall(" + number + ") broke its descriptor", t);
    }
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
      int error = (int) POSIX_SPAWN.invokeExact(pid, path, MemorySegment.NULL, MemorySegment.NULL, argv, envp);
      return error != 0 ? -error : pid.get(JAVA_INT, 0);
    } catch (Throwable t) {
      throw new AssertionError("downcall posix_spawn broke its descriptor", t);
    }
  }

  /// clone(3): a child of this process that runs machine code and never Java. Without CLONE_VM its memory is a copy of
  /// ours.
  ///
  /// @param code address of a function that takes a pointer and does not return @param stackTop aligned to 16
  /// @return the child's pid, or -1
  public static int cloneInto(long code, long stackTop, int flags, long argument) {
    try {
      return (int) CLONE.invokeExact(code, stackTop, flags, argument);
    } catch (Throwable t) {
      throw new AssertionError("downcall clone broke its descriptor", t);
    }
  }

  private static long at(long[] args, int i) {
    return i < args.length ? args[i] : 0;
  }
}
