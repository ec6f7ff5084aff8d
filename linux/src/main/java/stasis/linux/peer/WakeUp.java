package stasis.linux.peer;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// Makes a thread that waits in [Readiness] come back, eventfd(2). Any thread may ring.
public final class WakeUp implements AutoCloseable {
  private static final int EFD_NONBLOCK_CLOEXEC = 04000 | 02000000;

  private final Descriptor event;

  public WakeUp() throws SyscallException {
    event = new Descriptor(Syscalls.require("make an eventfd", Nr.EVENTFD2, 0, EFD_NONBLOCK_CLOEXEC));
  }

  /// To wait for.
  public Descriptor descriptor() {
    return event;
  }

  public void ring() {
    try (Arena call = Arena.ofConfined()) {
      Syscalls.call(Nr.WRITE, event.fd().value(), call.allocateFrom(JAVA_LONG, 1).address(), 8);
    }
  }

  /// Takes back all rings so far.
  public void clear() {
    event.read();
  }

  @Override
  public void close() {
    event.close();
  }
}
