package stasis.engine;

import java.util.List;
import stasis.resource.Obstacle;
import stasis.resource.Program;

/// What planning a restore says: a program that can run here, or everything that stands in its way.
public sealed interface Plan {
  /// @param program what `restore --dry-run` prints and the executor runs
  record Runnable(Program program) implements Plan {}

  /// @param obstacles not empty
  record Obstructed(List<Obstacle> obstacles) implements Plan {
    public Obstructed {
      obstacles = List.copyOf(obstacles);
    }
  }
}
