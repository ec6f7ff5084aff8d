package stasis.tracee;

import java.util.List;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.linux.sys.Userfault;
import stasis.tracee.stub.Stub;

/// Makes userfaultfds in the memory of others and takes them out: the task has none open after.
///
/// Flags are O_NONBLOCK, `Uffd.USER_MODE_ONLY` or 0; O_CLOEXEC is always added.
public final class Userfaults {
  private static final int O_CLOEXEC = 0x80000;

  private Userfaults() {}

  /// Of a live program, by an errand of one of its frozen threads.
  ///
  /// @param task whose descriptors are its leader's: the leader, where it lives
  /// @throws ErrandRefusedException before anything has been changed
  /// @throws SyscallException EPERM: without USER_MODE_ONLY it needs CAP_SYS_PTRACE or the sysctl
  ///     vm.unprivileged_userfaultfd; EMFILE; ESRCH
  public static Userfault open(FrozenGroup group, LiveTask task, int flags, Deadline deadline)
      throws ErrandRefusedException, SyscallException {
    try (Errand errand = group.errand(task, deadline)) {
      RemoteCall call = RemoteCall.opening(Nr.USERFAULTFD, new RemoteArg.Imm(flags | O_CLOEXEC));
      return switch (errand.run(List.of(call)).getFirst()) {
        case CallResult.Returned(long value, _) -> take(task.tid(), value);
        case CallResult.Failed(Errno errno) -> throw new SyscallException(Nr.USERFAULTFD, errno,
            "make a userfaultfd in task " + task.tid());
        case CallResult.Died _ -> throw new SyscallException(Nr.USERFAULTFD, Errno.ESRCH,
            "make a userfaultfd in task " + task.tid());
      };
    }
  }

  /// Of a stub.
  ///
  /// @throws SyscallException as above
  public static Userfault open(Stub stub, int flags) throws SyscallException {
    long made = stub.call(Nr.USERFAULTFD, flags | O_CLOEXEC);
    if (Errno.isError(made)) {
      throw new SyscallException(Nr.USERFAULTFD, Errno.of(made), "make a userfaultfd in stub " + stub.tid());
    }
    try (OpenThere _ = () -> close(stub, made)) {
      return take(stub.tid(), made);
    }
  }

  private interface OpenThere extends AutoCloseable {
    @Override
    void close() throws SyscallException;
  }

  private static void close(Stub stub, long fd) throws SyscallException {
    long closed = stub.call(Nr.CLOSE, fd);
    if (Errno.isError(closed)) {
      throw new AssertionError("stub " + stub.tid() + " could not close " + fd + ": " + Errno.of(closed));
    }
  }

  static Userfault take(Tid task, long remote) throws SyscallException {
    long pidfd = Syscalls.require("open a pidfd of task " + task, Nr.PIDFD_OPEN, task.value(), 0);
    try {
      return new Userfault(new Fd((int) Syscalls.require("take a userfaultfd out of task " + task, Nr.PIDFD_GETFD,
          pidfd, remote, 0)));
    } finally {
      Syscalls.call(Nr.CLOSE, pidfd);
    }
  }
}
