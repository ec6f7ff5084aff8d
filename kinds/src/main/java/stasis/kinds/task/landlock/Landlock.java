package stasis.kinds.task.landlock;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.resource.Answers;
import stasis.resource.FrozenTask;
import stasis.resource.HiddenThread;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// Not under Landlock (landlock(7)), or the task is refused: nothing tells the rules it has laid on itself, and without
/// them it could do more than it should. No call and no file shows a domain either; where the kernel's memory may not be
/// read, a task that can have one, since it has no_new_privs, is told.
public final class Landlock implements TaskAspect<Landlock.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.landlock", 1);

  /// Stored only of a task that may be under Landlock.
  record State(@Tag(1) boolean unseen) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    Optional<Boolean> seen = task.hidden().flatMap(HiddenThread::landlocked);
    if (seen.orElse(false)) {
      throw new ObstructedException(task.subject(), "it is under Landlock, whose rules no call tells",
          "run the program without its sandbox");
    }
    return seen.isEmpty() && task.status().noNewPrivs() ? Optional.of(new State(true)) : Optional.empty();
  }

  @Override
  public List<Loss> losses(State state) {
    return List.of(new Loss("if it is under Landlock, which only root can see, it comes back without",
        "checkpoint as root"));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {}

  @Override
  public Stage stage() {
    return Stage.BIRTH;
  }
}
