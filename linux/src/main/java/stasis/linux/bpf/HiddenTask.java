package stasis.linux.bpf;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.Tid;

/// What the kernel knows of one thread. Exact for a stopped task; of a running one each value is right at some moment
/// of the read.
///
/// @param state whether it has exited or runs without user memory
/// @param setChildTid CLONE_CHILD_SETTID's address, 0 for none
/// @param clearChildTid set_tid_address(2), 0 for none
/// @param robustList set_robust_list(2)'s head, 0 for none
/// @param semUndo empty if it has none; shared by threads that share it (CLONE_SYSVSEM)
/// @param semUndoSharers how many tasks have that list; 0 where there is none
public record HiddenTask(
    Tid tid, Tid tgid, State state, Masks masks, AltStack altStack, RemoteAddress setChildTid,
    RemoteAddress clearChildTid, RemoteAddress robustList, Optional<Rseq> rseq, RestartBlock restartBlock,
    Attributes attributes, Optional<Seccomp> seccomp, Optional<SyscallDispatch> syscallDispatch,
    Optional<MemPolicy> memPolicy, Times times, Contexts contexts, List<SemUndo> semUndo, int semUndoSharers) {
  /// How much is read of what security modules keep; they are few, and each keeps little.
  public static final int SECURITY_WORDS = 8;

  public HiddenTask {
    semUndo = List.copyOf(semUndo);
  }

  /// @param exited a zombie: its mm and most else are gone
  /// @param hasMm whether it has user memory; kernel threads and the dying have not
  /// @param jobctl JOBCTL_* (include/linux/sched/jobctl.h); its low 16 bits hold the signal that stopped the group
  public record State(boolean exited, boolean hasMm, long jobctl) {}

  /// @param blocked the mask in force; while a call like sigsuspend(2) or ppoll(2) waits, the call's
  /// @param realBlocked set while sigtimedwait(2) waits: the mask then without the signals it waits for
  /// @param saved the mask to come back when such a call ends; empty outside one
  public record Masks(SigSet blocked, SigSet realBlocked, Optional<SigSet> saved) {}

  /// As sigaltstack(2) would report it, without SS_ONSTACK, which depends on the stack pointer.
  ///
  /// @param flags SS_DISABLE (2) if there is none, SS_AUTODISARM
  public record AltStack(RemoteAddress base, long bytes, int flags) {
    static final int SS_DISABLE = 2;
  }

  /// rseq(2)'s registration.
  public record Rseq(RemoteAddress area, int bytes, int signature) {}

  /// @param flags PF_* (include/linux/sched.h)
  /// @param atomicFlags PFA_*: bit 0 no_new_privs, 3 and 4 SSB disabled and for good, 5 and 6 the same for indirect
  ///     branches, 7 SSB disabled until exec
  /// @param threadInfoFlags TIF_* of the arch; the bits differ by kernel version
  /// @param exitSignal what the parent gets; -1 for threads that are not the leader
  /// @param pdeathSignal PR_SET_PDEATHSIG, 0 for none
  /// @param securebits SECBIT_* (capabilities(7))
  public record Attributes(
      int flags, long atomicFlags, long threadInfoFlags, int personality, int exitSignal, int pdeathSignal,
      int securebits, long timerSlackNs, long defaultTimerSlackNs) {
    public boolean noNewPrivs() {
      return (atomicFlags & 1) != 0;
    }
  }

  /// @param mode 0 none, 1 strict, 2 filters
  public record Seccomp(int mode, int filterCount) {}

  /// prctl(2) PR_SET_SYSCALL_USER_DISPATCH. `offset` and `bytes` are the range whose calls go through; without `on`
  /// the rest means nothing.
  public record SyscallDispatch(boolean on, RemoteAddress selector, RemoteAddress offset, long bytes) {}

  /// set_mempolicy(2).
  ///
  /// @param mode MPOL_*
  /// @param flags MPOL_F_*
  /// @param nodes nodes in use, bit n of the little-endian bytes is node n
  /// @param userNodes nodes as asked for; counts with MPOL_F_STATIC_NODES or MPOL_F_RELATIVE_NODES only
  public record MemPolicy(int mode, int flags, Bytes nodes, Bytes userNodes) {
    /// That of a task that never set one.
    public static final int MPOL_DEFAULT = 0;
  }

  /// @param startBoottimeNs since boot, sleep included
  /// @param execStartNs when it last began to run, or was last accounted for, on the scheduler's clock
  /// @param sumExecRuntimeNs CPU time so far; what its CLOCK_THREAD_CPUTIME_ID shows once it is stopped
  public record Times(long startBoottimeNs, long execStartNs, long sumExecRuntimeNs) {}

  /// Things hanging on the task that show up in no file of its own.
  ///
  /// @param ioPriority ioprio_set(2)'s class and level; empty if it never had an io context
  /// @param ioSharers how many tasks have that io context (CLONE_IO); 0: none
  /// @param iopl x86 iopl(2) level, 0 elsewhere
  /// @param ioBitmap whether ioperm(2) was used
  /// @param perfEvents whether it is counted by perf events
  /// @param ioUring whether it ever used an io_uring
  /// @param keyrings which keyrings of its own it has; empty on a kernel without keys
  /// @param namespaces equal for tasks that share all their namespaces, the user namespace aside
  /// @param security words of the security modules, whose places differ from kernel to kernel
  public record Contexts(Optional<Integer> ioPriority, int ioSharers, int iopl, boolean ioBitmap, boolean perfEvents,
      boolean ioUring, Optional<Keyrings> keyrings, RemoteAddress namespaces, Bytes security) {}

  /// Keyrings that only the task and its group have (keyrings(7)).
  public record Keyrings(boolean process, boolean thread) {}
}
