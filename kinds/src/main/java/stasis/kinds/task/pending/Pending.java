package stasis.kinds.task.pending;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SigSet;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// Signals that wait for one thread, in order. A thread may queue any siginfo to itself, even one that claims to be the
/// kernel's (kernel/signal.c, do_rt_tgsigqueueinfo()); all signals are blocked while it does, so that also ignored ones
/// are kept.
public final class Pending implements TaskAspect<Pending.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.pending", 1);
  private static final int SIGINFO_BYTES = 128;
  private static final int SI_TIMER = -2;
  private static final int SI_USER = 0;
  private static final int SIGSTOP = 19;
  private static final int SIGTRAP = 5;
  /// SIGILL, SIGBUS, SIGFPE, SIGSEGV, SIGSYS: with SIGTRAP the kernel's SYNCHRONOUS_MASK.
  private static final Set<Integer> FAULTS = Set.of(4, 7, 8, 11, 31);

  /// @param leader of the thread group @param signals siginfo_t, 128 bytes each
  record State(@Tag(1) ObjectId leader, @Tag(2) List<Bytes> signals) {
    State {
      signals = List.copyOf(signals);
      for (Bytes signal : signals) {
        if (signal.length() != SIGINFO_BYTES) {
          throw new IllegalArgumentException("a siginfo has 128 bytes, was " + signal.length());
        }
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Loss> losses(State state) {
    long timers = state.signals().stream().filter(s -> s.u32(8) == SI_TIMER).count();
    return timers == 0 ? List.of()
        : List.of(Loss.of(timers + " pending timer signals come back without their overrun counts"));
  }

  /// Refused: a fault signal with the si_code of a real fault. The SIGTRAP that ends a batch of calls would let the
  /// kernel
  /// deliver it, blocked or not (kernel/signal.c, dequeue_synchronous_signal()). And SIGTRAP itself, for the same
  /// reason.
  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    SigSet set = task.status().pending();
    // What is queued is in the set as well (kernel/signal.c, __send_signal_locked()).
    var signals = new ArrayList<Bytes>(set.bits() == 0 ? List.of() : task.pending());
    for (Bytes signal : signals) {
      if (signal.u32(0) == SIGTRAP || FAULTS.contains(signal.u32(0)) && signal.u32(8) > SI_USER) {
        throw new ObstructedException(task.subject(), "signal " + signal.u32(0) + " is pending for it, with code "
            + signal.u32(8) + ": a restore cannot queue that one again", "let the program take it");
      }
    }
    for (int number = 1; number <= Long.SIZE; number++) {
      int signal = number;
      if (set.contains(signal) && signals.stream().noneMatch(info -> info.u32(0) == signal)) {
        // Out of queue space the kernel keeps the number alone and delivers it with zeros (collect_signal()).
        signals.add(Bytes.zeros(SIGINFO_BYTES).withU32(0, signal));
      }
    }
    // That is the stop of the group itself.
    signals.removeIf(info -> info.u32(0) == SIGSTOP);
    return signals.isEmpty() ? Optional.empty() : Optional.of(new State(task.group().leader().id(), signals));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    int group = refs.pidOf(state.leader());
    int tid = refs.pidOf(script.task());
    for (Bytes signal : state.signals()) {
      script.call(Nr.RT_TGSIGQUEUEINFO, "pending signal " + signal.u32(0), Arg.imm(group), Arg.imm(tid),
          Arg.imm(signal.u32(0)), Arg.data(signal));
    }
  }

  @Override
  public Stage stage() {
    return Stage.SIGNALS;
  }
}
