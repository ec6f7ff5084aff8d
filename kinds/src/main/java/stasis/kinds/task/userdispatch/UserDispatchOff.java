package stasis.kinds.task.userdispatch;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.resource.Answers;
import stasis.resource.FrozenTask;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;
import stasis.resource.UserDispatch;

/// Syscall user dispatch is off (PR_SET_SYSCALL_USER_DISPATCH), or the task is refused: once it is on, the calls that
/// end a restore would become the task's own SIGSYS.
public final class UserDispatchOff implements TaskAspect<UserDispatchOff.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.userdispatch", 1);

  /// Never stored.
  record State(@Tag(1) boolean on) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    Optional<UserDispatch> dispatch = task.userDispatch();
    if (dispatch.isPresent()) {
      throw new ObstructedException(task.subject(),
          "it has syscall user dispatch on, with its selector at " + dispatch.get().selector(),
          "checkpoint it while PR_SET_SYSCALL_USER_DISPATCH is off");
    }
    return Optional.empty();
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    throw new IllegalStateException("syscall user dispatch is never stored");
  }

  @Override
  public Stage stage() {
    return Stage.LAST;
  }
}
