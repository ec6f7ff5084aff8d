package stasis.engine;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.LossRow;
import stasis.linux.abi.Tid;
import stasis.resource.Obstacle;
import stasis.resource.Program;

/// How a restore ended. Unless it is [Running], nothing of it is left.
public sealed interface RestoreOutcome {
  /// The program goes on.
  ///
  /// @param root in the engine's pid namespace @param waitable child of the engine whose exit status is the program's
  /// @param pid as the program itself sees it @param late what still puts pages in; the program dies with it
  record Running(Tid root, Tid waitable, int pid, RestoreReport report, Optional<LateFill> late)
      implements RestoreOutcome {}

  /// What would be done.
  record Planned(Program program, List<LossRow> losses) implements RestoreOutcome {}

  record Refused(List<Obstacle> obstacles) implements RestoreOutcome {
    public Refused {
      obstacles = List.copyOf(obstacles);
    }
  }

  /// @param reason one sentence: what, where, and what to do
  record Failed(String reason) implements RestoreOutcome {}

  record Cancelled() implements RestoreOutcome {}

  /// @param restoreNs from the call to the release @param phases name to duration, in order
  /// @param files what was done to files of the host, a sentence each @param spans of all phases and their parts
  record RestoreReport(long restoreNs, long imageBytes, long pageBytes, int tasks, int threads,
      Map<String, Long> phases, List<LossRow> losses, List<String> files, List<Span> spans) {}
}
