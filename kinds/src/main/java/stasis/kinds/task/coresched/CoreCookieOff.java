package stasis.kinds.task.coresched;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// No core scheduling cookie (PR_SCHED_CORE), or the task is refused: who else has the same cookie no call tells.
public final class CoreCookieOff implements TaskAspect<CoreCookieOff.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.coresched", 1);
  private static final long PR_SCHED_CORE = 62;
  private static final long PR_SCHED_CORE_GET = 0;
  private static final long PIDTYPE_PID = 0;

  /// Never stored.
  record State(@Tag(1) boolean on) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    // Fails with EINVAL on a kernel without core scheduling and ENODEV on a machine without threads of a core.
    Answer cookie = task.observe(Nr.PRCTL, Arg.imm(PR_SCHED_CORE), Arg.imm(PR_SCHED_CORE_GET),
        Arg.imm(task.tid().value()), Arg.imm(PIDTYPE_PID), Arg.space(8));
    if (!cookie.failed() && cookie.output(4).u64(0) != 0) {
      throw new ObstructedException(task.subject(), "it shares CPU cores with chosen tasks only (PR_SCHED_CORE)",
          "start it without core scheduling");
    }
    return Optional.empty();
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    throw new IllegalStateException("a core scheduling cookie is never stored");
  }

  @Override
  public Stage stage() {
    return Stage.LAST;
  }
}
