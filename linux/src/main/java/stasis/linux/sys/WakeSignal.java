package stasis.linux.sys;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/// A signal that does nothing but end a blocking call with EINTR, for calls without a timeout, such as wait4(2).
///
/// Its handler is abs(3): a libc function that takes an int, touches nothing and is async-signal-safe, so that no Java
/// runs in a signal handler. The JVM's own handlers all restart calls (SA_RESTART).
@SuppressWarnings("restricted") // this module is the one that is granted native access
public final class WakeSignal {
  /// SIGRTMAX-1. glibc keeps 32 and 33, the JVM uses none of the real-time signals.
  public static final int NUMBER = 63;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle SIGNAL = LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow("signal"),
      FunctionDescriptor.of(ADDRESS, JAVA_INT, ADDRESS));
  private static final MethodHandle SIGINTERRUPT = LINKER.downcallHandle(
      LINKER.defaultLookup().findOrThrow("siginterrupt"), FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT));

  private WakeSignal() {}

  /// Sets the handler for the whole process. May be called any number of times.
  public static void install() {
    try {
      MemorySegment handler = LINKER.defaultLookup().findOrThrow("abs");
      MemorySegment before = (MemorySegment) SIGNAL.invokeExact(NUMBER, handler);
      int result = (int) SIGINTERRUPT.invokeExact(NUMBER, 1);
      if (before.address() == -1 || result != 0) {
        throw new AssertionError("signal " + NUMBER + " takes no handler");
      }
    } catch (Throwable t) {
      throw new AssertionError("downcall signal broke its descriptor", t);
    }
  }
}
