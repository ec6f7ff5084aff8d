package stasis.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;
import stasis.image.ObjectId;
import stasis.resource.FilesState;
import stasis.resource.Kind;
import stasis.resource.MmState;
import stasis.resource.TaskState;
import stasis.resource.ZombieState;

/// A tree as data: every object with its kind, by id. The collector makes one from a frozen tree, the loader from a
/// statefile; the planner cannot tell which.
public record Capture(SortedMap<ObjectId, TaskState> tasks, SortedMap<ObjectId, MmState> mms,
    SortedMap<ObjectId, FilesState> files, SortedMap<ObjectId, Item<?>> items,
    SortedMap<ObjectId, stasis.resource.CpuState> cpus, SortedMap<ObjectId, ZombieState> zombies) {

  /// One object of a kind.
  ///
  /// @param owner the task, thread group (leader) or mm an aspect belongs to; files, bodies and mapping backings have
  ///     none
  public record Item<S extends Record>(ObjectId id, Kind<S> kind, S state, Optional<ObjectId> owner) {}

  public Capture {
    tasks = new TreeMap<>(tasks);
    mms = new TreeMap<>(mms);
    files = new TreeMap<>(files);
    items = new TreeMap<>(items);
    cpus = new TreeMap<>(cpus);
    zombies = new TreeMap<>(zombies);
  }

  /// The same tree with its mms described further.
  Capture withMms(Map<ObjectId, MmState> described) {
    return new Capture(tasks, new TreeMap<>(described), files, items, cpus, zombies);
  }

  /// The same tree without what lay in huge pages.
  Capture inSmallPages() {
    var small = new TreeMap<>(mms);
    small.replaceAll((_, mm) -> mm.withHuge(List.of()));
    return withMms(small);
  }

  /// The same tree with its objects described further.
  Capture withItems(SortedMap<ObjectId, Item<?>> described) {
    return new Capture(tasks, mms, files, described, cpus, zombies);
  }

  /// The first task of the tree.
  public Map.Entry<ObjectId, TaskState> root() {
    return leaders().getFirst();
  }

  /// Leaders, in id order: parents before their children.
  public List<Map.Entry<ObjectId, TaskState>> leaders() {
    return tasks.entrySet().stream().filter(e -> e.getValue().leader().equals(e.getKey())).toList();
  }

  /// The threads of a group, leader first.
  public List<ObjectId> threads(ObjectId leader) {
    var threads = new ArrayList<ObjectId>();
    threads.add(leader);
    tasks.forEach((id, task) -> {
      if (task.leader().equals(leader) && !id.equals(leader)) {
        threads.add(id);
      }
    });
    return threads;
  }

  /// Objects in id order.
  public List<Item<?>> items(Predicate<Item<?>> which) {
    return items.values().stream().filter(which).toList();
  }
}
