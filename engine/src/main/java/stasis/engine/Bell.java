package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// Wakes a thread that waits in ppoll(2): an eventfd(2). Any thread may ring it, also when it is closed already: then
/// nobody listens, and its number may be another file's.
final class Bell implements AutoCloseable {
  private static final int O_NONBLOCK_CLOEXEC = 0x800 | 0x80000;

  private final Fd fd;
  private boolean closed;

  private Bell(Fd fd) {
    this.fd = fd;
  }

  static Bell make() throws SyscallException {
    return new Bell(new Fd((int) Syscalls.require("make an eventfd", Nr.EVENTFD2, 0, O_NONBLOCK_CLOEXEC)));
  }

  /// Readable when it was rung.
  Fd fd() {
    return fd;
  }

  synchronized void ring() {
    if (!closed) {
      try (Arena call = Arena.ofConfined()) {
        Syscalls.call(Nr.WRITE, fd.value(), call.allocateFrom(JAVA_LONG, 1).address(), 8);
      }
    }
  }

  /// Was heard: can be rung anew.
  synchronized void hush() {
    if (!closed) {
      try (Arena call = Arena.ofConfined()) {
        Syscalls.call(Nr.READ, fd.value(), call.allocate(8, 8).address(), 8);
      }
    }
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      Syscalls.call(Nr.CLOSE, fd.value());
    }
  }
}
