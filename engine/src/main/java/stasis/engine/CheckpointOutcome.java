package stasis.engine;

import java.util.List;
import stasis.image.LossRow;
import stasis.resource.Obstacle;

/// How a checkpoint ended. In every case but the first the program runs on as if nothing had happened.
public sealed interface CheckpointOutcome {
  record Stored(CheckpointReport report) implements CheckpointOutcome {}

  /// @param obstacles all of them, at least one
  record Refused(List<Obstacle> obstacles, List<LossRow> losses) implements CheckpointOutcome {
    public Refused {
      obstacles = List.copyOf(obstacles);
      losses = List.copyOf(losses);
    }
  }

  /// @param reason one sentence: what, where, and what to do
  record Failed(String reason) implements CheckpointOutcome {}

  /// The listener asked for it.
  record Cancelled() implements CheckpointOutcome {}
}
