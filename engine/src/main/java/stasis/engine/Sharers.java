package stasis.engine;

import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import stasis.image.ObjectId;
import stasis.resource.GroupAspect;
import stasis.resource.Stage;
import stasis.resource.TaskState;

/// Which processes of a tree are one in their memory, files, fs or signal handlers.
final class Sharers {
  /// For each leader the first, in id order, that shares with it; itself where none does.
  private final Map<Part, Map<ObjectId, ObjectId>> firsts = new EnumMap<>(Part.class);
  private final Map<Part, Map<ObjectId, ObjectId>> lasts = new EnumMap<>(Part.class);

  private Sharers(List<Map.Entry<ObjectId, TaskState>> leaders) {
    for (Part part : Part.values()) {
      Map<ObjectId, ObjectId> byStruct = new HashMap<>();
      Map<ObjectId, ObjectId> first = new TreeMap<>();
      Map<ObjectId, ObjectId> last = new HashMap<>();
      leaders.forEach(leader -> {
        ObjectId id = byStruct.computeIfAbsent(struct(part, leader.getKey(), leader.getValue()), _ -> leader.getKey());
        first.put(leader.getKey(), id);
        last.put(id, leader.getKey());
      });
      firsts.put(part, first);
      lasts.put(part, last);
    }
  }

  /// @param leaders in id order
  static Sharers of(List<Map.Entry<ObjectId, TaskState>> leaders) {
    return new Sharers(leaders);
  }

  private static ObjectId struct(Part part, ObjectId leader, TaskState task) {
    return switch (part) {
      case MM -> task.mm();
      case FILES -> task.files();
      case FS -> task.fs().orElse(leader);
      case HANDLERS -> task.handlers().orElse(leader);
    };
  }

  /// @param leader also of a helper, which shares with nobody in the end
  ObjectId first(Part part, ObjectId leader) {
    return GroupPlan.require(firsts, part).getOrDefault(leader, leader);
  }

  ObjectId last(Part part, ObjectId leader) {
    return GroupPlan.require(lasts, part).getOrDefault(first(part, leader), leader);
  }

  boolean isFirst(Part part, ObjectId leader) {
    return first(part, leader).equals(leader);
  }

  /// All that share with it, itself included.
  List<ObjectId> all(Part part, ObjectId leader) {
    ObjectId first = first(part, leader);
    return GroupPlan.require(firsts, part).entrySet().stream().filter(entry -> entry.getValue().equals(first))
        .map(Map.Entry::getKey).toList();
  }

  /// The set of several that a process is in, by its first.
  Optional<ObjectId> set(Part part, ObjectId leader) {
    ObjectId first = first(part, leader);
    return first.equals(last(part, leader)) ? Optional.empty() : Optional.of(first);
  }

  /// Who has an aspect of what it shares. The first, while others may be unborn, and of actions, which come before the
  /// signals; else the last: another root directory would lead the steps of those after it astray, and credentials are
  /// changed by each.
  boolean describes(ObjectId leader, GroupAspect<?> aspect) {
    boolean early = aspect.stage().compareTo(Stage.MEMORY_ATTRIBUTES) <= 0;
    return switch (aspect.of()) {
      case GROUP -> true;
      case MM -> leader.equals(early ? first(Part.MM, leader) : last(Part.MM, leader));
      case FS -> leader.equals(last(Part.FS, leader));
      case HANDLERS -> isFirst(Part.HANDLERS, leader);
    };
  }
}
