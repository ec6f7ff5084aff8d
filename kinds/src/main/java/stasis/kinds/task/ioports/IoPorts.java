package stasis.kinds.task.ioports;

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

/// No I/O ports of its own (ioperm(2), iopl(2)), or the task is refused: it drives hardware.
/// Where the kernel's memory may not be read, it is not seen.
public final class IoPorts implements TaskAspect<IoPorts.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.ioports", 1);

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
      if (facts.ioPorts()) {
        throw new ObstructedException(task.subject(),
            "it has been given I/O ports (ioperm or iopl)", "let it drop them");
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
