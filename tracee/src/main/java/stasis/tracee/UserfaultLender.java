package stasis.tracee;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.linux.sys.Userfault;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Expect;
import stasis.tracee.stub.Keeper;
import stasis.tracee.stub.KeeperFd;
import stasis.tracee.stub.Operand;
import stasis.tracee.stub.Outcome;

/// Makes userfaultfds that catch the kernel's accesses as well in programs that may not make them themselves, which
/// needs CAP_SYS_PTRACE in the initial user namespace. The right goes with `/dev/userfaultfd`
/// (Documentation/admin-guide/mm/userfaultfd.rst): a process of ours that has become their user holds it open, they take
/// it out of that with pidfd_getfd(2), and it is closed again when their errand ends.
///
/// One lender serves programs of one user and group. While it lives, any process of that user could take the device.
public final class UserfaultLender implements AutoCloseable {
  private static final String DEVICE = "/dev/userfaultfd";
  private static final int AT_FDCWD = -100;
  private static final int O_RDWR_CLOEXEC = 2 | 0x80000;
  private static final int O_CLOEXEC = 0x80000;
  private static final int PR_SET_DUMPABLE = 4;
  /// USERFAULTFD_IOC_NEW.
  private static final long NEW = 0xAA00;

  private final Keeper keeper;
  private final KeeperFd device;

  private UserfaultLender(Keeper keeper, KeeperFd device) {
    this.keeper = keeper;
    this.device = device;
  }

  /// @throws SyscallException also: there is no such device, or it may not be opened
  public static UserfaultLender start(long uid, long gid) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      long fd = Syscalls.require("open " + DEVICE, Nr.OPENAT, AT_FDCWD, call.allocateFrom(DEVICE).address(),
          O_RDWR_CLOEXEC, 0);
      try {
        return start(uid, gid, new Fd((int) fd));
      } finally {
        Syscalls.call(Nr.CLOSE, fd);
      }
    }
  }

  private static UserfaultLender start(long uid, long gid, Fd fd) throws SyscallException {
    Keeper keeper = Keeper.start();
    try {
      KeeperFd device = keeper.hold(fd);
      var batch = new Batch();
      batch.call(Nr.SETGROUPS, Operand.imm(0), Operand.imm(0));
      batch.call(Nr.SETRESGID, Operand.imm(gid), Operand.imm(gid), Operand.imm(gid));
      batch.call(Nr.SETRESUID, Operand.imm(uid), Operand.imm(uid), Operand.imm(uid));
      // Who has changed his user may not be looked at by it (commit_creds()).
      batch.call(Nr.PRCTL, Expect.exactly(0), Operand.imm(PR_SET_DUMPABLE), Operand.imm(1), Operand.imm(0),
          Operand.imm(0), Operand.imm(0));
      Outcome outcome = keeper.run(batch);
      if (!(outcome instanceof Outcome.Completed)) {
        throw new SyscallException(Nr.SETRESUID, Errno.EPERM, "make a lender user " + uid + ": " + outcome);
      }
      return new UserfaultLender(keeper, device);
    } catch (SyscallException | RuntimeException | Error e) {
      keeper.close();
      throw e;
    }
  }

  /// As [Userfaults#open], of a frozen program of that user.
  ///
  /// @param flags O_NONBLOCK or 0; O_CLOEXEC is always added
  /// @throws ErrandRefusedException before anything has been changed
  /// @throws SyscallException EPERM also: the program may not take it from the lender, or is in another pid namespace
  public Userfault open(FrozenGroup group, LiveTask task, int flags, Deadline deadline)
      throws ErrandRefusedException, SyscallException {
    if (!pidNamespace("self").equals(pidNamespace(task.tid().toString()))) {
      throw new SyscallException(Nr.PIDFD_OPEN, Errno.ESRCH, "lend to task " + task.tid()
          + ", which is in another pid namespace");
    }
    try (Errand errand = group.errand(task, deadline)) {
      long pidfd = made(errand, task.tid(), RemoteCall.opening(Nr.PIDFD_OPEN,
          new RemoteArg.Imm(keeper.pid().value()), new RemoteArg.Imm(0)));
      long lent = made(errand, task.tid(), RemoteCall.opening(Nr.PIDFD_GETFD, new RemoteArg.Imm(pidfd),
          new RemoteArg.Imm(device.number()), new RemoteArg.Imm(0)));
      long userfault = made(errand, task.tid(), RemoteCall.opening(Nr.IOCTL, new RemoteArg.Imm(lent),
          new RemoteArg.Imm(NEW), new RemoteArg.Imm(flags | O_CLOEXEC)));
      return Userfaults.take(task.tid(), userfault);
    }
  }

  private static Optional<Path> pidNamespace(String task) {
    try {
      return Optional.of(Files.readSymbolicLink(Path.of("/proc/" + task + "/ns/pid")));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static long made(Errand errand, Tid task, RemoteCall call) throws ErrandRefusedException, SyscallException {
    return switch (errand.run(List.of(call)).getFirst()) {
      case CallResult.Returned(long value, _) -> value;
      case CallResult.Failed(Errno errno) -> throw new SyscallException(call.nr(), errno,
          "lend /dev/userfaultfd to task " + task);
      case CallResult.Died _ -> throw new SyscallException(call.nr(), Errno.ESRCH,
          "lend /dev/userfaultfd to task " + task);
    };
  }

  @Override
  public void close() throws SyscallException {
    keeper.close();
  }
}
