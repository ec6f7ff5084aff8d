package stasis.linux.sys;

/// A signal that does nothing but end a blocking call with EINTR, for calls without a timeout, such as wait4(2).
///
/// Its handler is abs(3): a libc function that takes an int, touches nothing and is async-signal-safe, so that no Java
/// runs in a signal handler. The JVM's own handlers all restart calls (SA_RESTART).
public final class WakeSignal {
  /// SIGRTMAX-1. glibc keeps 32 and 33, the JVM uses none of the real-time signals.
  public static final int NUMBER = 63;

  private static final long SIG_ERR = -1;
  private static final CFunction HANDLER = CFunction.of("abs");
  private static final CFunction SIGNAL = CFunction.of("signal");
  private static final CFunction SIGINTERRUPT = CFunction.of("siginterrupt");

  private WakeSignal() {}

  /// Sets the handler for the whole process. May be called any number of times.
  public static void install() {
    long before = SIGNAL.asLong(NUMBER, HANDLER.address().address());
    if (before == SIG_ERR || SIGINTERRUPT.asInt(NUMBER, 1) != 0) {
      throw new AssertionError("signal " + NUMBER + " takes no handler");
    }
  }
}
