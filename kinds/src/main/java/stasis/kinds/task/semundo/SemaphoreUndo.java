package stasis.kinds.task.semundo;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.resource.Answers;
import stasis.resource.FrozenTask;
import stasis.resource.HiddenThread;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// No SEM_UNDO list (semop(2)), or the task is refused: what is in it no call tells, and the semaphores outlive the
/// task.
/// Where the kernel's memory may not be read, it is not seen.
public final class SemaphoreUndo implements TaskAspect<SemaphoreUndo.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.semundo", 1);

  /// Never stored.
  record State(@Tag(1) boolean there) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    if (task.hidden().isPresent()) {
      HiddenThread facts = task.hidden().get();
      if (facts.semaphoreUndos() != 0) {
        throw new ObstructedException(task.subject(),
            "it has undos for " + facts.semaphoreUndos() + " sets of semaphores to do at its end (SEM_UNDO)",
          "let it finish with its semaphores");
      }
    }
    return Optional.empty();
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    throw new IllegalStateException("never stored");
  }

  @Override
  public Stage stage() {
    return Stage.LAST;
  }
}
