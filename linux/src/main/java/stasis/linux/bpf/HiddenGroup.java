package stasis.linux.bpf;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.Tid;

/// What the kernel knows of one thread group and its threads.
///
/// @param tasks all threads, zombies too, by tid
/// @param shared what they have in common; empty if none of them has user memory any more
public record HiddenGroup(Tid tgid, List<HiddenTask> tasks, Optional<Shared> shared) {
  public HiddenGroup {
    tasks = List.copyOf(tasks);
  }

  /// What CLOCK_PROCESS_CPUTIME_ID shows of it once it is stopped; 0 without [#shared].
  public long cpuTimeNs() {
    long sumNs = shared.map(Shared::pastRuntimeNs).orElse(0L);
    for (HiddenTask task : tasks) {
      sumNs += task.times().sumExecRuntimeNs();
    }
    return sumNs;
  }

  /// @param actions of signals 1 to 64, in that order
  /// @param nextTimerId the id the next timer_create(2) tries first; empty where the kernel keeps none
  /// @param childSubreaper prctl(2) PR_SET_CHILD_SUBREAPER
  /// @param signalFlags SIGNAL_* (include/linux/sched/signal.h): 1 stopped, 4 exiting
  /// @param pastRuntimeNs CPU time of threads that are gone, see [#cpuTimeNs]
  public record Shared(
      List<SigAction> actions, List<PosixTimer> timers, Optional<Integer> nextTimerId, ItimerReal real,
      ItimerCpu virtual, ItimerCpu prof, boolean childSubreaper, int signalFlags, long pastRuntimeNs, Mm mm) {
    public Shared {
      actions = List.copyOf(actions);
      timers = List.copyOf(timers);
    }
  }

  /// ITIMER_REAL (setitimer(2)).
  ///
  /// @param ticking whether it will expire; with an interval and not ticking, its SIGALRM is still to be taken
  /// @param expiresNs absolute, on the host's CLOCK_MONOTONIC; a leftover if it is not ticking
  public record ItimerReal(boolean ticking, long expiresNs, long intervalNs) {
    /// Time left as getitimer(2) answers; 0 if it is not ticking, never 0 if it is.
    ///
    /// @param nowNs the host's CLOCK_MONOTONIC
    public long leftNs(long nowNs) {
      return ticking ? Math.max(expiresNs - nowNs, 1_000) : 0;
    }
  }

  /// ITIMER_VIRTUAL or ITIMER_PROF.
  ///
  /// @param expiresNs CPU time of the group at which it expires; 0 if it is not set
  /// @param usedNs CPU time so far, on the same account: user time, for PROF with system time
  public record ItimerCpu(long expiresNs, long intervalNs, long usedNs) {
    /// Time left as getitimer(2) answers, but for its rounding up to a tick.
    public long leftNs() {
      return expiresNs == 0 ? 0 : Math.max(expiresNs - usedNs, 1);
    }
  }

  /// The memory descriptor.
  ///
  /// @param flags MMF_* (include/linux/mm_types.h), the first 64
  /// @param defFlags VM_* that new mappings get: VM_LOCKED after mlockall(2) MCL_FUTURE
  /// @param membarrierState MEMBARRIER_STATE_* (include/linux/sched/mm.h)
  /// @param pkeyMap bit n says that protection key n is allocated (pkey_alloc(2)); empty without the hardware's name
  /// @param hasLdt whether modify_ldt(2) was used
  /// @param untagMask bits of a pointer that count; not all ones with x86 LAM
  public record Mm(
      long flags, long defFlags, Optional<Integer> membarrierState, RemoteAddress startCode, RemoteAddress endCode,
      RemoteAddress startData, RemoteAddress endData, RemoteAddress startBrk, RemoteAddress brk,
      RemoteAddress startStack, RemoteAddress argStart, RemoteAddress argEnd, RemoteAddress envStart,
      RemoteAddress envEnd, Optional<Integer> pkeyMap, boolean hasLdt, Optional<Long> untagMask) {
    /// PR_GET_DUMPABLE's answer: 0 no, 1 yes, 2 to root only (MMF_DUMPABLE_MASK).
    public int dumpable() {
      return (int) flags & 3;
    }

    /// What mlockall(2) set for mappings to come: 0, MCL_FUTURE (2) or MCL_FUTURE | MCL_ONFAULT (6). From VM_LOCKED and
    /// VM_LOCKONFAULT (include/linux/mm.h).
    public int mlockallFlags() {
      return (defFlags & 0x2000) == 0 ? 0 : (defFlags & 0x80000) == 0 ? 2 : 6;
    }

    /// PR_GET_MDWE's answer: bit 0 refuse gaining exec, bit 1 not inherited (MMF_HAS_MDWE, MMF_HAS_MDWE_NO_INHERIT).
    public int mdwe() {
      return (int) (flags >>> 28) & 3;
    }

    /// PR_GET_THP_DISABLE's answer, bit 0 (MMF_DISABLE_THP).
    public boolean thpDisabled() {
      return (flags >>> 24 & 1) != 0;
    }

    /// PR_GET_MEMORY_MERGE's answer (MMF_VM_MERGE_ANY).
    public boolean memoryMerge() {
      return (flags >>> 30 & 1) != 0;
    }
  }
}
