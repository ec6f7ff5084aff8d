package stasis.linux.peer;

import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Spawn;
import stasis.linux.sys.Syscalls;

/// A process that cannot be taken for another one with the same number: pidfd_open(2).
public final class HeldProcess implements AutoCloseable {
  private static final int WALL = 0x40000000;
  private static final int WNOHANG = 1;

  private final Tid pid;
  private final Descriptor pidfd;

  private HeldProcess(Tid pid, Descriptor pidfd) {
    this.pid = pid;
    this.pidfd = pidfd;
  }

  /// @return empty where there is none
  public static Optional<HeldProcess> of(Tid pid) {
    long pidfd = Syscalls.call(Nr.PIDFD_OPEN, pid.value(), 0);
    return Errno.isError(pidfd) ? Optional.empty() : Optional.of(new HeldProcess(pid, new Descriptor(pidfd)));
  }

  /// A child in a session of its own that reads nothing and writes to a file; to be reaped.
  ///
  /// @param command a path first @param environment NAME=value each @param lastFd numbers of descriptors up to this one
  ///     are taken when it starts
  /// @return empty where it cannot be started
  public static Optional<HeldProcess> start(List<String> command, List<String> environment, Path output, int lastFd) {
    long pid = new Spawn(command.getFirst(), command, environment, "/", "/dev/null", output.toString(),
        output.toString(), true).startAbove(lastFd);
    return pid < 0 ? Optional.empty() : of(new Tid(Math.toIntExact(pid)));
  }

  public Tid pid() {
    return pid;
  }

  /// Can be read from its end on.
  public Descriptor descriptor() {
    return pidfd;
  }

  /// What was read below /proc under its number until now was its own, if it is.
  public boolean isAlive() {
    return Readiness.await(List.of(pidfd), 0).isEmpty();
  }

  /// Sends it a signal, if it is still there (pidfd_send_signal(2)).
  public void kill(int signal) {
    Syscalls.call(Nr.PIDFD_SEND_SIGNAL, pidfd.fd().value(), signal, 0, 0);
  }

  /// The very description it has open under this number (pidfd_getfd(2)); needs what ptrace(2) needs.
  ///
  /// @return empty where it has none, or it may not be taken
  public Optional<Descriptor> copyOf(Fd theirs) {
    long copy = Syscalls.call(Nr.PIDFD_GETFD, pidfd.fd().value(), theirs.value(), 0);
    return Errno.isError(copy) ? Optional.empty() : Optional.of(new Descriptor(copy));
  }

  /// Waits for a child of ours that has ended, wait4(2). @return whether it is gone
  public boolean reap() {
    try (Arena call = Arena.ofConfined()) {
      return Syscalls.call(Nr.WAIT4, pid.value(), call.allocate(8).address(), WALL | WNOHANG, 0) != 0;
    }
  }

  @Override
  public void close() {
    pidfd.close();
  }
}
