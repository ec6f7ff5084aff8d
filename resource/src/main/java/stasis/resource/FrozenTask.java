package stasis.resource;

import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.procfs.FileStat;
import stasis.procfs.Stat;
import stasis.procfs.Status;

/// One stopped thread, as a kind may see it. Reads only; each is recorded and can be faked.
public interface FrozenTask {
  /// Its object in the statefile.
  ObjectId id();

  Tid tid();

  FrozenGroup group();

  /// `task 4711 (nginx)`: how messages name it.
  String subject();

  Status status();

  Stat stat();

  /// Text of `/proc/PID/task/TID/<file>`, one char per byte.
  ///
  /// @throws ObstructedException when the task is gone or the file cannot be read
  String proc(String file) throws ObstructedException;

  /// Target of `/proc/PID/task/TID/<name>` (`cwd`, `root`, `ns/net`), one char per byte.
  ///
  /// @throws ObstructedException when the task is gone or the link cannot be read
  String link(String name) throws ObstructedException;

  /// stat(2) through that link: it reaches what has no path any more.
  FileStat facts(String name) throws ObstructedException;

  /// Signals pending for this thread alone, in queue order: 128 bytes of siginfo each (PTRACE_PEEKSIGINFO).
  List<Bytes> pending() throws ObstructedException;

  /// The rseq area registered with the kernel (PTRACE_GET_RSEQ_CONFIGURATION); empty when there is none.
  Optional<Rseq> rseq() throws ObstructedException;

  /// Installed seccomp filters, oldest first (PTRACE_SECCOMP_GET_FILTER). Not asked of a task that has none.
  ///
  /// @throws ObstructedException without CAP_SYS_ADMIN
  List<SeccompFilter> seccompFilters() throws ObstructedException;

  /// Syscall user dispatch (PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG); empty while it is off.
  Optional<UserDispatch> userDispatch() throws ObstructedException;

  /// What no API tells of the thread; empty where the kernel's memory may not be read.
  Optional<HiddenThread> hidden();

  /// A syscall of the engine's own about this task, without effect on it: sched_getattr(2), prlimit64(2),
  /// ioprio_get(2).
  Answer observe(Nr nr, Arg... args);

  /// One about the engine's own thread, to compare with: the same whichever task it is asked of, so asked once.
  default Answer observeOwn(Nr nr, Arg... args) {
    return observe(nr, args);
  }
}
