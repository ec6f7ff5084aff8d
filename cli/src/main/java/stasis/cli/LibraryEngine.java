package stasis.cli;

import java.nio.file.Path;
import java.util.List;
import stasis.image.LossRow;
import stasis.linux.abi.Tid;

/// The verbs on `stasis.engine`. The engine has no public API yet, so each of them says so.
final class LibraryEngine implements Engine {
  private static final String NO_ENGINE = "this build has no engine yet: doctor and inspect work, this verb does not";

  @Override
  public Outcome<Checkpointed> checkpoint(CheckpointOrder order, Watcher watcher) {
    return new Outcome.Failed<>(NO_ENGINE);
  }

  @Override
  public Outcome<Restored> restore(RestoreOrder order, Watcher watcher) {
    return new Outcome.Failed<>(NO_ENGINE);
  }

  @Override
  public Outcome<String> plan(Path image, Watcher watcher) {
    return new Outcome.Failed<>(NO_ENGINE);
  }

  @Override
  public Outcome<List<LossRow>> explain(Tid root, Watcher watcher) {
    return new Outcome.Failed<>(NO_ENGINE);
  }
}
