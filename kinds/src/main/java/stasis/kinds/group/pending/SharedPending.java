package stasis.kinds.group.pending;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SigSet;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.GroupAspect;

/// Signals that wait for the thread group, whichever thread takes them, in order. The leader queues them to itself:
/// only it may claim any siginfo, even the kernel's (kernel/signal.c, do_rt_sigqueueinfo()). All signals are blocked in
/// all threads meanwhile, so that also ignored ones are kept.
public final class SharedPending implements GroupAspect<SharedPending.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.pending", 1);
  private static final int SIGINFO_BYTES = 128;
  private static final int SI_TIMER = -2;
  /// Not blocked while a restore works: it ends each batch of calls.
  private static final int SIGSTOP = 19;
  private static final int SIGTRAP = 5;

  /// @param signals siginfo_t, 128 bytes each
  record State(@Tag(1) List<Bytes> signals) {
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

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    SigSet set = group.leader().status().sharedPending();
    if (set.contains(SIGTRAP)) {
      throw new ObstructedException(group.subject(), "SIGTRAP is pending for it: a restore cannot queue that one again",
          "let the program take it");
    }
    var signals = new ArrayList<Bytes>(group.sharedPending());
    for (int number = 1; number <= Long.SIZE; number++) {
      int signal = number;
      if (set.contains(signal) && signals.stream().noneMatch(info -> info.u32(0) == signal)) {
        // Out of queue space the kernel keeps the number alone and delivers it with zeros (collect_signal()).
        signals.add(Bytes.zeros(SIGINFO_BYTES).withU32(0, signal));
      }
    }
    // That is the stop of the group itself.
    signals.removeIf(info -> info.u32(0) == SIGSTOP);
    return signals.isEmpty() ? Optional.empty() : Optional.of(new State(signals));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    int pid = refs.pidOf(script.task());
    for (Bytes signal : state.signals()) {
      script.call(Nr.RT_SIGQUEUEINFO, "pending signal " + signal.u32(0), Arg.imm(pid), Arg.imm(signal.u32(0)),
          Arg.data(signal));
    }
  }

  @Override
  public Stage stage() {
    return Stage.SIGNALS;
  }
}
