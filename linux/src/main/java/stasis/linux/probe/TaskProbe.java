package stasis.linux.probe;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// Making, naming and comparing tasks.
final class TaskProbe {
  private static final int PR_SET_MM = 35;
  private static final int PR_SET_MM_MAP_SIZE = 15;
  private static final int PR_TIMER_CREATE_RESTORE_IDS = 77;
  private static final int PR_TIMER_CREATE_RESTORE_IDS_GET = 2;
  private static final int KCMP_FILE = 0;
  private static final int PIDFD_THREAD = 0x80; // O_EXCL
  private static final int LANDLOCK_CREATE_RULESET_VERSION = 1;
  /// Memory and files are copied before the number is asked for, unless they are to be shared: a JVM's takes
  /// longer than all else that is asked here.
  private static final long CLONE_VM_FILES = 0x100 | 0x400;
  private static final long CLONE_NEWUSER = 0x10000000;
  private static final long CLONE_NEWPID = 0x20000000;

  private TaskProbe() {}

  static List<Finding> look() {
    try (Scratch scratch = new Scratch()) {
      long pid = Syscalls.call(Nr.GETPID);
      long tid = Syscalls.call(Nr.GETTID);
      return List.of(
          pidfd(scratch, pid),
          Scratch.verdict(Feature.PIDFD_THREAD, scratch.open(Nr.PIDFD_OPEN, tid, PIDFD_THREAD)),
          setTid(scratch, tid),
          userNamespace(scratch),
          Files.exists(Path.of("/proc/self/ns/time"))
              ? Finding.present(Feature.TIME_NAMESPACE)
              : Finding.missing(Feature.TIME_NAMESPACE, "no /proc/self/ns/time"),
          Scratch.verdict(Feature.KCMP, Syscalls.call(Nr.KCMP, pid, pid, KCMP_FILE, 0, 0)),
          Scratch.verdict(Feature.SET_MM_MAP,
              Syscalls.call(Nr.PRCTL, PR_SET_MM, PR_SET_MM_MAP_SIZE, scratch.out(8).address(), 0, 0)),
          Scratch.verdict(Feature.TIMER_IDS,
              Syscalls.call(Nr.PRCTL, PR_TIMER_CREATE_RESTORE_IDS, PR_TIMER_CREATE_RESTORE_IDS_GET, 0, 0, 0)),
          landlock());
    }
  }

  private static Finding pidfd(Scratch scratch, long pid) {
    long pidfd = scratch.open(Nr.PIDFD_OPEN, pid, 0);
    return Scratch.verdict(Feature.PIDFD, Errno.isError(pidfd) ? pidfd : scratch.open(Nr.PIDFD_GETFD, pidfd, pidfd, 0));
  }

  /// Asks for a child with our own tid: permission is checked before the number, so EEXIST means "allowed" and no child
  /// is ever born (kernel/pid.c, alloc_pid()).
  static Finding setTid(Scratch scratch, long tid) {
    long result = clone3(scratch, 0, tid);
    return result == -Errno.EEXIST.number()
        ? Finding.present(Feature.CLONE3_SET_TID)
        : Finding.missing(Feature.CLONE3_SET_TID, Errno.of(result).name());
  }

  /// Asks for the second task of a pid namespace that has no first one: namespaces are created, then alloc_pid() says
  /// EINVAL and all is undone. EPERM or ENOSPC come earlier, from create_user_ns().
  static Finding userNamespace(Scratch scratch) {
    if (!Files.exists(Path.of("/proc/self/ns/user"))) {
      return Finding.missing(Feature.USER_NAMESPACE, "no /proc/self/ns/user");
    }
    long result = clone3(scratch, CLONE_NEWUSER | CLONE_NEWPID, 2);
    return result == -Errno.EINVAL.number()
        ? Finding.present(Feature.USER_NAMESPACE)
        : Finding.missing(Feature.USER_NAMESPACE, Errno.of(result).name());
  }

  /// struct clone_args (include/uapi/linux/sched.h): flags, pidfd, child_tid, parent_tid, exit_signal, stack,
  /// stack_size, tls, set_tid, set_tid_size, cgroup.
  private static long clone3(Scratch scratch, long flags, long tid) {
    long setTid = scratch.u32(Math.toIntExact(tid));
    return Syscalls.call(Nr.CLONE3, scratch.u64(flags | CLONE_VM_FILES, 0, 0, 0, 0, 0, 0, 0, setTid, 1, 0), 88);
  }

  private static Finding landlock() {
    long version = Syscalls.call(Nr.LANDLOCK_CREATE_RULESET, 0, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return Errno.isError(version)
        ? Finding.missing(Feature.LANDLOCK, Errno.of(version).name())
        : Finding.present(Feature.LANDLOCK, "ABI " + version);
  }
}
