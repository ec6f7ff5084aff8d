package stasis.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.LossRow;
import stasis.resource.Host;
import stasis.resource.Kind;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;

/// What collecting finds, resource by resource: the loss table in the making. Every resource looked at leaves a row.
final class Findings {
  private final Host host;
  private final List<Obstacle> obstacles = new ArrayList<>();
  private final List<LossRow> rows = new ArrayList<>();

  /// @param host where the tree runs now, and is expected to be restored
  Findings(Host host) {
    this.host = host;
  }

  /// A step that may find an obstacle instead of an answer.
  interface Look<T> {
    T at() throws ObstructedException;
  }

  /// Runs `look`; an obstacle becomes a row and an empty answer.
  <T> Optional<T> look(String kind, Look<T> look) {
    try {
      return Optional.of(look.at());
    } catch (ObstructedException e) {
      refuse(kind, e.obstacle());
      return Optional.empty();
    }
  }

  void refuse(String kind, Obstacle obstacle) {
    obstacles.add(obstacle);
    rows.add(new LossRow(obstacle.subject(), kind, LossRow.Exactness.REFUSED, obstacle.reason(),
        Optional.of(obstacle.remedy()).filter(remedy -> !remedy.isEmpty())));
  }

  /// A described resource: one row for each way it is not exact, or one that says it is.
  <S extends Record> void described(Kind<S> kind, S state, String subject) {
    List<Loss> losses = kind.losses(state, host);
    if (losses.isEmpty()) {
      exact(kind.schema().name(), subject);
    }
    for (Loss loss : losses) {
      approximate(kind.schema().name(), subject, loss);
    }
  }

  void exact(String kind, String subject) {
    rows.add(new LossRow(subject, kind, LossRow.Exactness.EXACT, "", Optional.empty()));
  }

  void approximate(String kind, String subject, Loss loss) {
    rows.add(new LossRow(subject, kind, LossRow.Exactness.APPROXIMATE, loss.detail(),
        Optional.of(loss.remedy()).filter(remedy -> !remedy.isEmpty())));
  }

  List<Obstacle> obstacles() {
    return List.copyOf(obstacles);
  }

  List<LossRow> rows() {
    return List.copyOf(rows);
  }
}
