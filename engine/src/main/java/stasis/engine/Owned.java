package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.resource.Kind;

/// What of a capture belongs to whom, found once for all of it.
final class Owned {
  private final Map<ObjectId, Map<Kind<?>, Capture.Item<?>>> items = new HashMap<>();
  private final Map<ObjectId, List<ObjectId>> threads = new HashMap<>();

  Owned(Capture capture) {
    for (Capture.Item<?> item : capture.items().values()) {
      item.owner().ifPresent(
          owner -> items.computeIfAbsent(owner, _ -> new IdentityHashMap<>()).put(item.kind(), item));
    }
    capture.leaders().forEach(leader -> threads.put(leader.getKey(), new ArrayList<>(List.of(leader.getKey()))));
    capture.tasks().forEach((id, task) -> {
      if (!id.equals(task.leader())) {
        GroupPlan.require(threads, task.leader()).add(id);
      }
    });
  }

  Optional<Capture.Item<?>> by(ObjectId owner, Kind<?> kind) {
    return Optional.ofNullable(items.getOrDefault(owner, Map.of()).get(kind));
  }

  /// The threads of a group, leader first.
  List<ObjectId> threads(ObjectId leader) {
    return GroupPlan.require(threads, leader);
  }
}
