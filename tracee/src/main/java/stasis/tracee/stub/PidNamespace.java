package stasis.tracee.stub;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.tracee.Deadline;
import stasis.tracee.Ptrace;

/// A new pid and mount namespace, in a new user namespace for those who may not make them otherwise, with our own first
/// process in it. In there every pid is free but 1, and an ordinary user may choose.
///
/// The first process is a child of the engine. Once released it reaps orphans; it ends when the last task has ended,
/// with the root's exit status, or 128 and the number of the signal that killed it; so no namespace is left behind and
/// whoever waits for it learns how the program ended. It is untouched by signals from inside, and by all but SIGKILL
/// and SIGSTOP from outside.
public final class PidNamespace implements AutoCloseable {
  private static final long CLONE_NEWNS = 0x20000;
  private static final long CLONE_NEWUSER = 0x10000000;
  private static final long CLONE_NEWPID = 0x20000000;
  private static final long MS_NOSUID_NODEV_NOEXEC = 2 | 4 | 8;
  private static final long MS_REC_SLAVE = 0x4000 | (1 << 19);
  private static final int SIGCHLD = 17;
  private static final String OWN_IDS = "an ordinary user may map its own id only";
  private static final Duration CALLS_WITHIN = Duration.ofSeconds(10);

  private final Stub init;
  private final boolean ownProc;

  private PidNamespace(Stub init, boolean ownProc) {
    this.init = init;
    this.ownProc = ownProc;
  }

  /// @param hole @param holeBytes @param inherit as for [Stub#spawn]: what the root will find open
  /// @param uids @param gids maps of a new user namespace; both empty: stay in ours, which needs CAP_SYS_ADMIN
  /// @param clocks of a time namespace of its own; empty: ours
  public static PidNamespace create(Ptrace ptrace, RemoteAddress hole, long holeBytes, List<Fd> inherit,
      List<IdRange> uids, List<IdRange> gids, Optional<TimeOffsets> clocks) throws SyscallException {
    if (uids.isEmpty() != gids.isEmpty()) {
      throw new IllegalArgumentException("a user namespace has both a uid and a gid map");
    }
    try (Stub founder = Stub.spawn(ptrace, hole, holeBytes, inherit)) {
      long namespaces = CLONE_NEWPID | CLONE_NEWNS | (uids.isEmpty() ? 0 : CLONE_NEWUSER)
          | (clocks.isEmpty() ? 0 : TimeOffsets.CLONE_NEWTIME);
      long unshared = founder.call(Nr.UNSHARE, namespaces);
      if (Errno.isError(unshared)) {
        throw new SyscallException(Nr.UNSHARE, Errno.of(unshared), "make a pid namespace", uids.isEmpty()
            ? "without a user namespace this needs CAP_SYS_ADMIN"
            : "are user namespaces on? see user.max_user_namespaces, kernel.unprivileged_userns_clone");
      }
      if (!uids.isEmpty()) {
        map(founder.tid(), uids, gids);
      }
      if (clocks.isPresent()) {
        clocks.get().set(founder.tid());
      }
      Stub init = Birth.sibling(founder, List.of(), Deadline.after(CALLS_WITHIN));
      try {
        return new PidNamespace(init, furnish(init));
      } catch (SyscallException e) {
        init.close();
        throw e;
      }
    } catch (PidTakenException e) {
      throw new AssertionError("no pid was asked for", e);
    }
  }

  /// The first process: pid 1 inside.
  public Stub init() {
    return init;
  }

  /// Whether /proc shows the new namespace. Where parts of /proc are covered, as in most containers, the kernel allows
  /// no fresh mount (fs/namespace.c, `mount_too_revealing()`) and the old one stays.
  public boolean ownProc() {
    return ownProc;
  }

  /// The root of the restored tree, a child of the first process.
  ///
  /// @param pid inside
  public Stub root(int pid, Deadline patience) throws SyscallException, PidTakenException {
    return Birth.of(init, new CloneArgs(0, SIGCHLD, List.of(pid)), patience);
  }

  /// Lets the first process wait for tasks on its own. To be called before any other task is released: should the
  /// engine die in between, those still ours are killed, and the first process ends after them.
  ///
  /// @param rootPid inside, or an unused number when there is no root whose status counts
  /// @param status an inherited fd, written the root's `int` wait status as soon as it has ended
  public void release(int rootPid, Optional<Fd> status) throws SyscallException {
    var batch = new Batch();
    Stub.closeRanges(batch, status.stream().toList());
    require(init.run(batch, Deadline.after(CALLS_WITHIN)), Nr.CLOSE_RANGE, "close what the first process inherited");
    init.enter(StubCode.INIT, rootPid, 0, status.map(Fd::value).orElse(-1));
    init.release();
  }

  /// Kills the first process, and with it all in the namespace, unless it was released.
  @Override
  public void close() throws SyscallException {
    init.close();
  }

  /// @return whether /proc could be mounted
  private static boolean furnish(Stub init) throws SyscallException {
    var batch = new Batch();
    Slot root = batch.data(Bytes.cString("/"));
    Slot proc = batch.data(Bytes.cString("/proc"));
    Slot type = batch.data(Bytes.cString("proc"));
    Slot name = batch.data(Bytes.cString("stasis-init"));
    batch.call(Nr.SETSID);
    batch.call(Nr.CHDIR, root.address());
    batch.call(Nr.PRCTL, Operand.imm(Stub.PR_SET_NAME), name.address());
    // A slave: mounts of the host still come in, ours do not go out.
    batch.call(Nr.MOUNT, type.address(), root.address(), type.address(), Operand.imm(MS_REC_SLAVE), Operand.imm(0));
    int mounted = batch.call(Nr.MOUNT, Expect.ANY, type.address(), proc.address(), type.address(),
        Operand.imm(MS_NOSUID_NODEV_NOEXEC), Operand.imm(0));
    return require(init.run(batch, Deadline.after(CALLS_WITHIN)), Nr.MOUNT, "furnish the namespace").of(mounted) == 0;
  }

  private static Results require(Outcome outcome, Nr nr, String attempt) throws SyscallException {
    if (outcome instanceof Outcome.Completed completed) {
      return completed.results();
    }
    Errno errno = outcome instanceof Outcome.Stopped stopped ? Errno.of(stopped.result()) : Errno.ESRCH;
    throw new SyscallException(nr, errno, attempt + ": " + outcome);
  }

  private static void map(Tid founder, List<IdRange> uids, List<IdRange> gids) throws SyscallException {
    if (Syscalls.call(Nr.GETEUID) != 0) {
      // Who may not setgroups(2) outside must give it up inside before a gid can be mapped (user_namespaces(7)).
      ProcFile.write("/proc/" + founder + "/setgroups", "deny", OWN_IDS);
    }
    ProcFile.write("/proc/" + founder + "/uid_map", lines(uids), OWN_IDS);
    ProcFile.write("/proc/" + founder + "/gid_map", lines(gids), OWN_IDS);
  }

  private static String lines(List<IdRange> ranges) {
    return ranges.stream().map(IdRange::line).collect(Collectors.joining());
  }
}
