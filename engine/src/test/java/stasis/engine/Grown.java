package stasis.engine;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import stasis.engine.BirthOrder.Node;
import stasis.image.ObjectId;
import stasis.resource.TaskState;

/// A process of a tree that is grown as programs grow theirs, at random.
final class Grown {
  private final int pid;
  private final Map<Part, Integer> parts = new EnumMap<>(Part.class);
  private Grown parent;
  private int session;
  private int group;

  /// The root, which leads a session.
  Grown(int pid) {
    this.pid = pid;
    this.parent = this;
    this.session = pid;
    this.group = pid;
    part(EnumSet.allOf(Part.class), pid);
  }

  Grown(int pid, Grown parent, Set<Part> shares) {
    this.pid = pid;
    this.parent = parent;
    this.session = parent.session;
    this.group = parent.group;
    parts.putAll(parent.parts);
    Set<Part> own = EnumSet.allOf(Part.class);
    own.removeAll(shares);
    part(own, pid);
  }

  /// @param number that nobody else has
  void part(Set<Part> which, int number) {
    which.forEach(part -> parts.put(part, number));
  }


  private static Set<Part> shares(Random random) {
    return switch (random.nextInt(10)) {
      case 0 -> Set.of(Part.FILES);
      case 1 -> Set.of(Part.FS);
      case 2 -> Set.of(Part.FILES, Part.FS);
      case 3 -> Set.of(Part.MM);
      case 4 -> Set.of(Part.MM, Part.HANDLERS, Part.FILES);
      default -> Set.of();
    };
  }

  static List<Node> grown(Random random) {
    return nodes(grow(random, Optional.empty()));
  }

  /// The root leads a session and adopts all orphans.
  static List<Grown> grow(Random random, Optional<Random> sharing) {
    var all = new ArrayList<Grown>();
    all.add(new Grown(10));
    int pid = 11;
    for (int step = 0; step < 30; step++) {
      Grown one = all.get(random.nextInt(all.size()));
      switch (random.nextInt(6)) {
        case 0 -> {
          if (one.group != one.pid) {
            one.session = one.pid;
            one.group = one.pid;
          }
        }
        case 1 -> {
          if (one.session != one.pid) {
            Grown mate = all.get(random.nextInt(all.size()));
            one.group = mate.session == one.session ? mate.group : one.pid;
          }
        }
        case 2 -> {
          if (one.parent != one) {
            all.remove(one);
            all.stream().filter(child -> child.parent == one).forEach(child -> child.parent = all.getFirst());
          }
        }
        default -> all.add(new Grown(pid++, one, sharing.map(Grown::shares).orElse(Set.of())));
      }
      if (sharing.isPresent() && sharing.get().nextInt(8) == 0) {
        Grown other = all.get(sharing.get().nextInt(all.size()));
        other.part(sharing.get().nextBoolean() ? Set.of(Part.FS) : sharing.get().nextBoolean() ? Set.of(Part.FILES)
            : Set.of(Part.MM, Part.FILES, Part.HANDLERS), 10_000 + step);
      }
    }
    return all;
  }

  /// Parents before their children, as the collector numbers them.
  private static List<Grown> numbered(List<Grown> all) {
    List<Grown> next = new ArrayList<>(List.of(all.getFirst()));
    for (int i = 0; i < next.size(); i++) {
      Grown one = next.get(i);
      all.stream().filter(child -> child.parent == one && child != one).forEach(next::add);
    }
    return next;
  }

  static List<Node> nodes(List<Grown> all) {
    Map<Integer, Integer> ids = new HashMap<>();
    List<Node> nodes = new ArrayList<>();
    for (Grown one : numbered(all)) {
      ids.put(one.pid, ids.size() + 1);
      nodes.add(new Node(new ObjectId(ids.size()), new ObjectId(GroupPlan.require(ids, one.parent.pid)), one.pid,
          one.group, one.session, false, false, 17));
    }
    return nodes;
  }

  static Sharers sharers(List<Grown> all) {
    var tasks = new ArrayList<Map.Entry<ObjectId, TaskState>>();
    Map<Integer, ObjectId> fs = new HashMap<>();
    Map<Integer, ObjectId> handlers = new HashMap<>();
    for (Grown one : numbered(all)) {
      ObjectId id = new ObjectId(tasks.size() + 1);
      tasks.add(Map.entry(id, new TaskState(List.of(one.pid), id, id, struct(one, Part.MM), struct(one, Part.FILES),
          one.group, one.session, 17, "", 0, false,
          Optional.of(fs.computeIfAbsent(GroupPlan.require(one.parts, Part.FS), _ -> id)),
          Optional.of(handlers.computeIfAbsent(GroupPlan.require(one.parts, Part.HANDLERS), _ -> id)),
          Optional.empty())));
    }
    return Sharers.of(tasks);
  }

  private static ObjectId struct(Grown one, Part part) {
    return new ObjectId(100_000 + GroupPlan.require(one.parts, part));
  }
}
