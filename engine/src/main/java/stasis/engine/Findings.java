package stasis.engine;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import stasis.image.LossRow;
import stasis.image.ObjectId;
import stasis.resource.Host;
import stasis.resource.Kind;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;

/// What collecting finds, resource by resource: the loss table in the making. Every resource looked at leaves a row.
final class Findings {
  private static final int SHARERS_NAMED = 8;

  private final List<Obstacle> obstacles = new ArrayList<>();
  private final List<LossRow> rows = new ArrayList<>();
  private final Map<ObjectId, String> subjects = new HashMap<>();
  private final Map<ObjectId, String> sharers = new HashMap<>();

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
    rows.add(row(kind, obstacle.subject(), LossRow.Exactness.REFUSED, obstacle.reason(), obstacle.remedy()));
  }

  /// A resource its kind has described; what is lost of it is asked when the description is complete.
  void described(ObjectId id, String subject) {
    subjects.put(id, subject);
  }

  void exact(String kind, String subject) {
    exact(kind, subject, "");
  }

  /// @param detail who shares it, where somebody does
  void exact(String kind, String subject, String detail) {
    rows.add(row(kind, subject, LossRow.Exactness.EXACT, detail, ""));
  }

  /// Who has a described resource, if more than one.
  <T> void shared(ObjectId id, Collection<T> who, Function<T, String> name) {
    if (who.size() > 1) {
      sharers.put(id, sharedBy(who, name));
    }
  }

  /// `shared by task 1 (sh) fd 3, task 2 (cat) fd 0`; of many, the first and how many more.
  static <T> String sharedBy(Collection<T> who, Function<T, String> name) {
    String first = who.stream().limit(SHARERS_NAMED).map(name).collect(Collectors.joining(", "));
    int more = who.size() - SHARERS_NAMED;
    return "shared by " + first + (more > 0 ? " and " + more + " more" : "");
  }

  void approximate(String kind, String subject, Loss loss) {
    rows.add(row(kind, subject, LossRow.Exactness.APPROXIMATE, loss.detail(), loss.remedy()));
  }

  List<Obstacle> obstacles() {
    return List.copyOf(obstacles);
  }

  /// The table: what was found on the way, then for each described resource one row for each way it is not exact, or
  /// one that says it is.
  ///
  /// @param host where the tree is expected to be restored
  List<LossRow> table(Collection<Capture.Item<?>> items, Host host) {
    var table = new ArrayList<LossRow>(rows);
    for (Capture.Item<?> item : items) {
      addRows(table, item, subjects.getOrDefault(item.id(), item.id().toString()),
          sharers.getOrDefault(item.id(), ""), host);
    }
    return List.copyOf(table);
  }

  private static <S extends Record> void addRows(List<LossRow> table, Capture.Item<S> item, String subject,
      String sharers, Host host) {
    Kind<S> kind = item.kind();
    List<Loss> losses = kind.losses(item.state(), host);
    if (losses.isEmpty()) {
      table.add(row(kind.schema().name(), subject, LossRow.Exactness.EXACT, sharers, ""));
    }
    for (Loss loss : losses) {
      table.add(row(kind.schema().name(), subject, LossRow.Exactness.APPROXIMATE,
          loss.detail() + (sharers.isEmpty() ? "" : "; it is " + sharers), loss.remedy()));
    }
  }

  private static LossRow row(String kind, String subject, LossRow.Exactness exactness, String detail, String remedy) {
    return new LossRow(subject, kind, exactness, detail, Optional.of(remedy).filter(text -> !text.isEmpty()));
  }
}
