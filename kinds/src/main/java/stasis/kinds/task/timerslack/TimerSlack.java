package stasis.kinds.task.timerslack;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// How late timers of a thread may fire (PR_SET_TIMERSLACK). The default that PR_SET_TIMERSLACK 0 goes back to is the
/// restorer's; no call shows it.
public final class TimerSlack implements TaskAspect<TimerSlack.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.timerslack", 1);
  private static final long PR_SET_TIMERSLACK = 29;
  private static final Question SLACK = Question.of(Nr.PRCTL, Arg.imm(30));

  record State(@Tag(1) long slackNs) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenTask task) {
    return List.of(SLACK);
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    long slackNs = answers.require(SLACK, task.subject()).result();
    // 0 is what real-time policies force on it, and not to be set (kernel/sched/syscalls.c, __setscheduler_params()).
    return slackNs == 0 ? Optional.empty() : Optional.of(new State(slackNs));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.PRCTL, "timer slack", Arg.imm(PR_SET_TIMERSLACK), Arg.imm(state.slackNs()));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
