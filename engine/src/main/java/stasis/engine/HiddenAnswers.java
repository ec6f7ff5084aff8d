package stasis.engine;

import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.Bytes;
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
  private static final int PR_GET_PDEATHSIG = 2;
  private static final int PR_GET_DUMPABLE = 3;
  private static final int PR_GET_SECUREBITS = 27;
  private static final int PR_GET_TIMERSLACK = 30;
  private static final int PR_GET_CHILD_SUBREAPER = 37;
  private static final int PR_GET_TID_ADDRESS = 40;
  private static final int PR_GET_MDWE = 66;
  private static final int PR_GET_MEMORY_MERGE = 68;
  private static final long NANOS = 1_000_000_000L;
  private static final long NANOS_PER_MICRO = 1000;

  private final HiddenGroup group;

  HiddenAnswers(HiddenGroup group) {
    this.group = group;
  }

  Optional<HiddenTask> task(Tid thread) {
    return group.tasks().stream().filter(task -> task.tid().equals(thread)).findFirst();
  }

  Optional<Answer> to(Tid thread, Question question) {
    return task(thread).flatMap(task -> switch (question.nr()) {
      case RT_SIGACTION -> group.shared().map(shared -> action(shared, question));
      case SIGALTSTACK -> Optional.of(output(1, Bytes.ofU64(task.altStack().base().bits(),
          Integer.toUnsignedLong(task.altStack().flags()), task.altStack().bytes())));
      case BRK -> group.shared().map(shared -> value(shared.mm().brk().bits()));
      case GETITIMER -> group.shared().map(shared -> itimer(shared, question));
      case TIMER_GETTIME -> group.shared().flatMap(shared -> timer(shared, question));
      case PRCTL -> prctl(task, question);
      default -> Optional.empty();
    });
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
      default -> Optional.empty();
    };
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
