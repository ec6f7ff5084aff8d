package stasis.linux.sys;

import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;

/// This process, as the kernel knows it now. What the JVM tells is of its own start, and an engine may have been
/// started from an image of itself: docs/designs/warm-start.md.
public final class Self {
  private Self() {}

  /// getpid(2), which cannot fail and is asked past every gate.
  public static Tid pid() {
    return new Tid(Math.toIntExact(Syscalls.kernel(Nr.GETPID.on(Syscalls.HOST))));
  }
}
