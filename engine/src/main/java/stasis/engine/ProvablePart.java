package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import stasis.image.Certificate;
import stasis.image.ObjectId;
import stasis.resource.Kind;
import stasis.resource.Obstacle;
import stasis.resource.Provable;

/// What of a capture a copy beside the living program is made of, and what of it is compared.
final class ProvablePart {
  private final Capture capture;
  private final Set<ObjectId> unseen = new HashSet<>();
  private final Map<ObjectId, Set<String>> without = new HashMap<>();
  private final List<Certificate.Unproven> unproven = new ArrayList<>();
  private final List<Obstacle> obstacles = new ArrayList<>();

  private ProvablePart(Capture whole) {
    Subjects subjects = new Subjects(whole);
    var items = new TreeMap<ObjectId, Capture.Item<?>>();
    for (Capture.Item<?> item : whole.items().values()) {
      add(item, subjects, items);
    }
    this.capture = whole.withItems(items);
    whole.cpus().forEach((task, cpu) -> cpu.sleep().ifPresent(_ -> unproven.add(new Certificate.Unproven(
        subjects.of(task), "core.cpu", "the time left of its timed wait: that begins again at the release only"))));
  }

  static ProvablePart of(Capture whole) {
    return new ProvablePart(whole);
  }

  private <S extends Record> void add(Capture.Item<S> item, Subjects subjects, Map<ObjectId, Capture.Item<?>> items) {
    Kind<S> kind = item.kind();
    String name = kind.schema().name();
    String subject = subjects.of(item.id());
    switch (kind.provable(item.state())) {
      case Provable.Whole<S> _ -> items.put(item.id(), item);
      case Provable.Part<S>(S state, String why) -> {
        items.put(item.id(), new Capture.Item<>(item.id(), kind, state, item.owner()));
        unproven.add(new Certificate.Unproven(subject, name, why));
      }
      case Provable.Unseen<S>(String why) -> {
        items.put(item.id(), item);
        unseen.add(item.id());
        unproven.add(new Certificate.Unproven(subject, name, why));
      }
      case Provable.Without<S>(String why) -> {
        item.owner().ifPresent(owner -> without.computeIfAbsent(owner, _ -> new HashSet<>()).add(name));
        unproven.add(new Certificate.Unproven(subject, name, why));
      }
      case Provable.Forbidden<S>(String why) -> {
        items.put(item.id(), item);
        obstacles.add(new Obstacle.Unsupported(subject + " " + name, why, "checkpoint without --verify"));
      }
    }
  }

  /// What the copy is made of.
  Capture capture() {
    return capture;
  }

  /// Whether it is made, and not compared.
  boolean isUnseen(ObjectId id) {
    return unseen.contains(id);
  }

  /// Kinds of aspects that the copy of this object goes without.
  Set<String> without(ObjectId owner) {
    return without.getOrDefault(owner, Set.of());
  }

  List<Certificate.Unproven> unproven() {
    return List.copyOf(unproven);
  }

  /// Why no such copy may be made.
  List<Obstacle> obstacles() {
    return List.copyOf(obstacles);
  }
}
