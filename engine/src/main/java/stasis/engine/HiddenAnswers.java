package stasis.engine;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Tid;
import stasis.linux.bpf.HiddenGroup;
import stasis.linux.bpf.HiddenTask;
import stasis.linux.bpf.PosixTimer;
import stasis.linux.bpf.SigAction;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.Question;

/// Answers questions from what a BPF iterator read in the kernel, in the very form the syscall would have answered.
/// What it does not know it leaves to an errand.
final class HiddenAnswers {
  private static final long PERSONALITY_ASK = 0xffffffffL;
  private static final int PR_GET_PDEATHSIG = 2;
  private static final int PR_GET_DUMPABLE = 3;
  private static final int PR_GET_SECUREBITS = 27;
  private static final int PR_GET_TSC = 25;
  private static final int PR_GET_TIMERSLACK = 30;
  private static final int PR_GET_CHILD_SUBREAPER = 37;
  private static final int PR_GET_TID_ADDRESS = 40;
  private static final int PR_GET_THP_DISABLE = 42;
  private static final int PR_THP_DISABLE_EXCEPT_ADVISED = 2;
  private static final int PR_GET_SPECULATION_CTRL = 52;
  private static final int PR_GET_MDWE = 66;
  private static final int PR_GET_MEMORY_MERGE = 68;
  private static final long NANOS = 1_000_000_000L;
  private static final long NANOS_PER_MICRO = 1000;

  private static final int PR_TSC_ENABLE = 1;
  private static final int PR_TSC_SIGSEGV = 2;
  private static final int PR_SPEC_PRCTL = 1;
  private static final int PR_SPEC_ENABLE = 2;
  private static final int PR_SPEC_DISABLE = 4;
  private static final int PR_SPEC_FORCE_DISABLE = 8;
  private static final int PR_SPEC_DISABLE_NOEXEC = 16;
  private static final int PFA_SPEC_SSB_DISABLE = 1 << 3;
  private static final int PFA_SPEC_SSB_FORCE_DISABLE = 1 << 4;
  private static final int PFA_SPEC_IB_DISABLE = 1 << 5;
  private static final int PFA_SPEC_IB_FORCE_DISABLE = 1 << 6;
  private static final int PFA_SPEC_SSB_NOEXEC = 1 << 7;
  private static final long MEMBARRIER_CMD_GET_REGISTRATIONS = 512;
  private static final int MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED = 4;
  private static final int MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 16;
  private static final int MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64;
  private static final int MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ = 256;
  private static final long KEYCTL_GET_KEYRING_ID = 0;
  private static final long KEY_SPEC_THREAD_KEYRING = -1;
  private static final int MPOL_LOCAL = 4;
  private static final int MPOL_F_STATIC_NODES = 1 << 15;
  private static final int MPOL_F_RELATIVE_NODES = 1 << 14;
  private static final int MPOL_F_NUMA_BALANCING = 1 << 13;
  private static final int MPOL_MODE_FLAGS = MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES | MPOL_F_NUMA_BALANCING;
  private static final int POLICY_BYTES = 128;

  private final HiddenGroup group;
  private final Map<Tid, HiddenTask> tasks = new HashMap<>();
  private final LearntBits bits;

  HiddenAnswers(HiddenGroup group, LearntBits bits) {
    this.group = group;
    group.tasks().forEach(task -> tasks.put(task.tid(), task));
    this.bits = bits;
  }

  /// Whether a thread is under Landlock; empty where that cannot be told.
  Optional<Boolean> landlocked(HiddenTask task) {
    LearntBits.Landlock place = bits.landlock();
    return place.known() ? Optional.of(place.word().isPresent()
        && task.contexts().security().u64(place.word().getAsInt() * Long.BYTES) != 0) : Optional.empty();
  }

  Optional<HiddenTask> task(Tid thread) {
    return Optional.ofNullable(tasks.get(thread));
  }

  Optional<Answer> to(Tid thread, Question question) {
    return task(thread).flatMap(task -> switch (question.nr()) {
      case RT_SIGACTION -> group.shared().map(shared -> action(shared, question));
      case SIGALTSTACK -> Optional.of(output(1, Bytes.ofU64(task.altStack().base().bits(),
          Integer.toUnsignedLong(task.altStack().flags()), task.altStack().bytes())));
      case PERSONALITY -> imm(question, 0) == PERSONALITY_ASK ? Optional.of(value(task.attributes().personality()))
          : Optional.empty();
      case BRK -> group.shared().map(shared -> value(shared.mm().brk().bits()));
      case GETITIMER -> group.shared().map(shared -> itimer(shared, question));
      case TIMER_GETTIME -> group.shared().flatMap(shared -> timer(shared, question));
      case PRCTL -> prctl(task, question);
      // The task's own; with MPOL_F_ADDR it would be a vma's.
      case GET_MEMPOLICY -> imm(question, 4) == 0 ? task.memPolicy().map(HiddenAnswers::policy) : Optional.empty();
      case MEMBARRIER -> imm(question, 0) == MEMBARRIER_CMD_GET_REGISTRATIONS
          ? group.shared().flatMap(shared -> shared.mm().membarrierState()).map(HiddenAnswers::registrations)
          : Optional.empty();
      case KEYCTL -> task.contexts().keyrings().flatMap(keyrings -> noKeyring(keyrings, question));
      default -> Optional.empty();
    });
  }

  /// mm/mempolicy.c, do_get_mempolicy(): the nodes asked for where they are kept, else those in use.
  private static Answer policy(HiddenTask.MemPolicy policy) {
    boolean asAsked = (policy.flags() & (MPOL_F_STATIC_NODES | MPOL_F_RELATIVE_NODES)) != 0;
    Bytes nodes = policy.mode() == MPOL_LOCAL ? Bytes.EMPTY : asAsked ? policy.userNodes() : policy.nodes();
    int length = Math.min(nodes.length(), POLICY_BYTES);
    return new Answer(0, Map.of(0, Bytes.ofU32(policy.mode() | policy.flags() & MPOL_MODE_FLAGS), 1,
        nodes.slice(0, length).concat(Bytes.zeros(POLICY_BYTES - length))));
  }

  /// kernel/sched/membarrier.c, membarrier_get_registrations(): a state is registered or on the way to it, two bits
  /// each, for private, global, core-serializing and rseq barriers.
  private static Answer registrations(int state) {
    int commands = 0;
    commands |= (state & 0x03) != 0 ? MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED : 0;
    commands |= (state & 0x0c) != 0 ? MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED : 0;
    commands |= (state & 0x30) != 0 ? MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE : 0;
    commands |= (state & 0xc0) != 0 ? MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ : 0;
    return value(commands);
  }

  /// Only that there is none: its number is for the task itself to say.
  private static Optional<Answer> noKeyring(HiddenTask.Keyrings keyrings, Question question) {
    boolean there = imm(question, 1) == KEY_SPEC_THREAD_KEYRING ? keyrings.thread() : keyrings.process();
    return there || imm(question, 0) != KEYCTL_GET_KEYRING_ID ? Optional.empty()
        : Optional.of(value(-Errno.ENOKEY.number()));
  }

  private Optional<Answer> prctl(HiddenTask task, Question question) {
    return switch ((int) imm(question, 0)) {
      case PR_GET_PDEATHSIG -> Optional.of(output(1, Bytes.ofU32(task.attributes().pdeathSignal())));
      case PR_GET_SECUREBITS -> Optional.of(value(task.attributes().securebits()));
      case PR_GET_TIMERSLACK -> Optional.of(value(task.attributes().timerSlackNs()));
      case PR_GET_TID_ADDRESS -> Optional.of(output(1, Bytes.ofU64(task.clearChildTid().bits())));
      case PR_GET_DUMPABLE -> group.shared().map(shared -> value(shared.mm().dumpable()));
      case PR_GET_MDWE -> group.shared().map(shared -> value(shared.mm().mdwe()));
      case PR_GET_MEMORY_MERGE -> group.shared().map(shared -> value(shared.mm().memoryMerge() ? 1 : 0));
      case PR_GET_CHILD_SUBREAPER ->
          group.shared().map(shared -> output(1, Bytes.ofU32(shared.childSubreaper() ? 1 : 0)));
      case PR_GET_TSC -> bits.tscOff() == 0 ? Optional.empty() : Optional.of(output(1, Bytes.ofU32(
          (task.attributes().threadInfoFlags() & bits.tscOff()) != 0 ? PR_TSC_SIGSEGV : PR_TSC_ENABLE)));
      case PR_GET_THP_DISABLE -> bits.thpOff() == 0 ? Optional.empty()
          : group.shared().map(shared -> hugePages(shared.mm().flags()));
      case PR_GET_SPECULATION_CTRL -> speculation(task.attributes().atomicFlags(), (int) imm(question, 1));
      default -> Optional.empty();
    };
  }

  /// arch/x86/kernel/cpu/bugs.c, ssb_prctl_get() and ib_prctl_get(), where the control is the task's; else it is never
  /// asked of one.
  private static Optional<Answer> speculation(long flags, int misfeature) {
    return switch (misfeature) {
      case 0 -> Optional.of(value(PR_SPEC_PRCTL | ((flags & PFA_SPEC_SSB_FORCE_DISABLE) != 0 ? PR_SPEC_FORCE_DISABLE
          : (flags & PFA_SPEC_SSB_NOEXEC) != 0 ? PR_SPEC_DISABLE_NOEXEC
          : (flags & PFA_SPEC_SSB_DISABLE) != 0 ? PR_SPEC_DISABLE : PR_SPEC_ENABLE)));
      case 1 -> Optional.of(value(PR_SPEC_PRCTL | ((flags & PFA_SPEC_IB_FORCE_DISABLE) != 0 ? PR_SPEC_FORCE_DISABLE
          : (flags & PFA_SPEC_IB_DISABLE) != 0 ? PR_SPEC_DISABLE : PR_SPEC_ENABLE)));
      default -> Optional.empty();
    };
  }

  private Answer hugePages(long flags) {
    return value((flags & bits.thpOff()) != 0 ? 1
        : (flags & bits.thpOffUnlessAdvised()) != 0 ? 1 | PR_THP_DISABLE_EXCEPT_ADVISED : 0);
  }

  private static Answer action(HiddenGroup.Shared shared, Question question) {
    SigAction action = shared.actions().get((int) imm(question, 0) - 1);
    return output(2, Bytes.ofU64(action.handler().bits(), action.flags(), action.restorer().bits(),
        action.mask().bits()));
  }

  private static Answer itimer(HiddenGroup.Shared shared, Question question) {
    return switch ((int) imm(question, 0)) {
      case 0 -> itimerval(shared.real().intervalNs(), shared.real().leftNs(Clocks.nowNs(Clocks.MONOTONIC)));
      case 1 -> itimerval(shared.virtual().intervalNs(), shared.virtual().leftNs());
      default -> itimerval(shared.prof().intervalNs(), shared.prof().leftNs());
    };
  }

  /// `struct itimerval`: rounded up, so that a running timer never reads as none.
  private static Answer itimerval(long intervalNs, long leftNs) {
    long leftMicros = (leftNs + NANOS_PER_MICRO - 1) / NANOS_PER_MICRO;
    return output(1, Bytes.ofU64(intervalNs / NANOS, intervalNs % NANOS / NANOS_PER_MICRO, leftMicros / 1_000_000,
        leftMicros % 1_000_000));
  }

  /// CPU-time clocks are left to the task itself.
  private static Optional<Answer> timer(HiddenGroup.Shared shared, Question question) {
    int id = (int) imm(question, 0);
    return shared.timers().stream().filter(timer -> timer.id() == id && !timer.onCpuClock()).findFirst()
        .map(HiddenAnswers::itimerspec);
  }

  private static Answer itimerspec(PosixTimer timer) {
    long leftNs = timer.leftNs(Clocks.nowNs(timer.expiryClockId()));
    return output(1, Bytes.ofU64(timer.intervalNs() / NANOS, timer.intervalNs() % NANOS, leftNs / NANOS,
        leftNs % NANOS));
  }

  private static long imm(Question question, int argument) {
    return question.args().get(argument) instanceof Arg.Imm(long value) ? value : -1;
  }

  private static Answer value(long value) {
    return new Answer(value, Map.of());
  }

  private static Answer output(int argument, Bytes bytes) {
    return new Answer(0, Map.of(argument, bytes));
  }
}
