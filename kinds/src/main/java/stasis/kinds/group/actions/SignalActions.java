package stasis.kinds.group.actions;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// What the thread group does on each signal (sigaction(2)). All 62 that can be set are, those with the default action
/// too: what the stub inherited must not show, and a default action may carry SA_NOCLDWAIT. They come before pending
/// signals, because ignoring a signal discards it.
public final class SignalActions implements GroupAspect<SignalActions.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.actions", 1);
  private static final int SIGKILL = 9;
  private static final int SIGSTOP = 19;
  private static final int SIGNALS = 64;
  /// `struct kernel_sigaction`: handler, flags, restorer, mask.
  private static final int ACTION_BYTES = 32;

  record State(@Tag(1) List<Action> actions) {
    State {
      actions = List.copyOf(actions);
    }
  }

  /// @param handler address, SIG_DFL 0 or SIG_IGN 1 @param flags SA_* @param mask blocked while the handler runs
  record Action(@Tag(1) int signal, @Tag(2) RemoteAddress handler, @Tag(3) long flags, @Tag(4) RemoteAddress restorer,
      @Tag(5) SigSet mask) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenGroup group) {
    var questions = new ArrayList<Question>();
    for (int signal = 1; signal <= SIGNALS; signal++) {
      if (signal != SIGKILL && signal != SIGSTOP) {
        questions.add(question(signal));
      }
    }
    return questions;
  }

  private static Question question(int signal) {
    return Question.of(Nr.RT_SIGACTION, Arg.imm(signal), Arg.imm(0), Arg.space(ACTION_BYTES),
        Arg.imm(SigSet.BYTES));
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    var actions = new ArrayList<Action>();
    for (int signal = 1; signal <= SIGNALS; signal++) {
      if (signal != SIGKILL && signal != SIGSTOP) {
        Bytes action = answers.require(question(signal), group.subject()).output(2);
        actions.add(new Action(signal, new RemoteAddress(action.u64(0)), action.u64(8),
            new RemoteAddress(action.u64(16)), new SigSet(action.u64(24))));
      }
    }
    return Optional.of(new State(actions));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    for (Action action : state.actions()) {
      Bytes struct = Bytes.ofU64(action.handler().bits(), action.flags(), action.restorer().bits(),
          action.mask().bits());
      script.call(Nr.RT_SIGACTION, "action of signal " + action.signal(), Arg.imm(action.signal()), Arg.data(struct),
          Arg.imm(0), Arg.imm(SigSet.BYTES));
    }
  }

  @Override
  public Stage stage() {
    return Stage.SIGNALS;
  }

  @Override
  public Of of() {
    return Of.HANDLERS;
  }
}
