package stasis.kinds.task.tsc;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Errno;
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

/// Whether a thread may read the time stamp counter (PR_SET_TSC). The vdso's clocks read it too.
public final class TimeStampCounter implements TaskAspect<TimeStampCounter.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.tsc", 1);
  private static final long PR_SET_TSC = 26;
  private static final Question MODE = Question.of(Nr.PRCTL, Arg.imm(25), Arg.space(4));

  /// @param mode PR_TSC_ENABLE 1, PR_TSC_SIGSEGV 2
  record State(@Tag(1) int mode) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenTask task) {
    return List.of(MODE);
  }

  /// Empty where the architecture has no such switch.
  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    if (answers.to(MODE).failedWith(Errno.EINVAL)) {
      return Optional.empty();
    }
    return Optional.of(new State(answers.require(MODE, task.subject()).output(1).u32(0)));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.PRCTL, "time stamp counter", Arg.imm(PR_SET_TSC), Arg.imm(state.mode()));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
