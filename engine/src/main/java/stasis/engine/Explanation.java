package stasis.engine;

import java.util.List;
import stasis.image.LossRow;
import stasis.resource.Obstacle;

/// The loss table of a live program, and what would refuse its checkpoint.
public record Explanation(List<LossRow> rows, List<Obstacle> obstacles, long frozenNs) {
  public Explanation {
    rows = List.copyOf(rows);
    obstacles = List.copyOf(obstacles);
  }
}
