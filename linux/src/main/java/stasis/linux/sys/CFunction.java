package stasis.linux.sys;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;

/// A function of the C library whose arguments are integers and pointers, seven at most. All of them are called through
/// one method handle: for each shape of a call the JVM makes classes at run time, at each cold start.
///
/// That it suits them all is the calling convention's doing, on x86-64 and on AArch64: such arguments are registers,
/// what a function does not take it does not read, and only of a variadic one it matters to say so.
///
/// @param address of its code
@SuppressWarnings("restricted") // this module is the one that is granted native access
record CFunction(MemorySegment address) {
  private static final int MOST_ARGUMENTS = 7;
  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout CALL_STATE = Linker.Option.captureStateLayout();
  private static final long ERRNO_AT =
      CALL_STATE.byteOffset(MemoryLayout.PathElement.groupElement("errno"));
  private static final MethodHandle CALL = LINKER.downcallHandle(
      FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG),
      Linker.Option.captureCallState("errno"), Linker.Option.firstVariadicArg(1));

  static CFunction of(String symbol) {
    return new CFunction(LINKER.defaultLookup().findOrThrow(symbol));
  }

  /// For functions that set errno. It is captured per call: a shared capture segment is a data race.
  ///
  /// @return what the function returns, or minus errno where that is -1
  long orErrno(long... arguments) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(CALL_STATE);
      long result = call(state, arguments);
      return result == -1 ? -state.get(JAVA_INT, ERRNO_AT) : result;
    }
  }

  /// For functions that return an int: the upper half of the register is not theirs.
  int asInt(long... arguments) {
    return (int) asLong(arguments);
  }

  long asLong(long... arguments) {
    try (Arena arena = Arena.ofConfined()) {
      return call(arena.allocate(CALL_STATE), arguments);
    }
  }

  private long call(MemorySegment state, long... arguments) {
    if (arguments.length > MOST_ARGUMENTS) {
      throw new IllegalArgumentException("seven arguments at most, got " + arguments.length);
    }
    try {
      return (long) CALL.invokeExact(address, state, at(arguments, 0), at(arguments, 1), at(arguments, 2),
          at(arguments, 3), at(arguments, 4), at(arguments, 5), at(arguments, 6));
    } catch (Throwable t) {
      throw new AssertionError("the downcall broke its descriptor", t);
    }
  }

  private static long at(long[] arguments, int i) {
    return i < arguments.length ? arguments[i] : 0;
  }
}
