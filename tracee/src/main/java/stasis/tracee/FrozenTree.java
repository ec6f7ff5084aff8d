package stasis.tracee;

import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// A thread group and all its descendants, every thread stopped. Belongs to the tracer thread. `close()` lets all of
/// them go, whatever happened.
///
/// Groups are stopped from the root down: a stopped group makes no more children, so once a look at the children of all
/// stopped groups finds no new one, the tree is whole. Children whose parent died meanwhile belong to the tree only if
/// a member of it adopted them.
public final class FrozenTree implements AutoCloseable {
  /// What came of a freeze.
  public sealed interface Outcome {
    record Frozen(FrozenTree tree) implements Outcome {}

    /// Nothing is traced or stopped any more.
    record Obstructed(List<FreezeObstacle> obstacles) implements Outcome {
      public Obstructed {
        obstacles = List.copyOf(obstacles);
      }
    }
  }

  /// A member of the tree.
  ///
  /// @param parent empty for the root
  public record Member(FrozenGroup group, Optional<Tid> parent) {}

  /// A descendant that has ended and that its parent has not waited for.
  public record Zombie(Tid tid, Tid parent) {}

  private final SequencedMap<Tid, Member> members;
  private final List<Zombie> zombies;

  private FrozenTree(SequencedMap<Tid, Member> members, List<Zombie> zombies) {
    this.members = members;
    this.zombies = List.copyOf(zombies);
  }

  /// Stops the whole tree, or none of it.
  ///
  /// @param deadline for the whole freeze
  /// @throws SyscallException for what cannot be explained as an obstacle; nothing stays stopped then either
  public static Outcome freeze(Ptrace ptrace, Tid root, Deadline deadline, FaultPoints faults)
      throws SyscallException {
    var growth = new Growth(ptrace, deadline, faults);
    boolean done = false;
    try {
      Outcome outcome = growth.from(root);
      done = outcome instanceof Outcome.Frozen;
      return outcome;
    } finally {
      if (!done) {
        growth.members.values().forEach(member -> member.group().close());
      }
    }
  }

  /// A tree of tasks of ours, each of which is stopped already. It is never closed: it ends as it was made.
  ///
  /// @param order of its members and zombies, the root first @param stopped all its live threads
  /// @throws SyscallException ESRCH when the kernel shows a task of it that is not among them
  public static FrozenTree held(Ptrace ptrace, List<Tid> order, Map<Tid, LiveTask> stopped, FaultPoints faults)
      throws SyscallException {
    Tid root = order.getFirst();
    SequencedMap<Tid, Member> members = new LinkedHashMap<>();
    Map<Tid, Zombie> zombies = new TreeMap<>();
    members.put(root, new Member(heldGroup(ptrace, root, stopped, faults), Optional.empty()));
    Deque<Tid> next = new ArrayDeque<>(List.of(root));
    while (!next.isEmpty()) {
      Tid parent = next.removeFirst();
      for (Tid child : TaskStatus.children(parent)) {
        if (TaskStatus.of(child).filter(TaskStatus::dead).isPresent() && TaskStatus.threads(child).size() < 2) {
          zombies.put(child, new Zombie(child, parent));
        } else {
          members.put(child, new Member(heldGroup(ptrace, child, stopped, faults), Optional.of(parent)));
          next.addLast(child);
        }
      }
    }
    SequencedMap<Tid, Member> ordered = new LinkedHashMap<>();
    order.stream().filter(members::containsKey).forEach(tid -> ordered.put(tid, members.get(tid)));
    members.forEach(ordered::putIfAbsent);
    return new FrozenTree(ordered, List.copyOf(zombies.values()));
  }

  private static FrozenGroup heldGroup(Ptrace ptrace, Tid leader, Map<Tid, LiveTask> stopped, FaultPoints faults)
      throws SyscallException {
    var tasks = new ArrayList<LiveTask>();
    for (Tid thread : TaskStatus.threads(leader)) {
      LiveTask task = stopped.get(thread);
      if (task != null) {
        tasks.add(task);
      } else if (TaskStatus.of(thread).filter(status -> !status.dead()).isPresent() && !TaskStatus.isWorker(thread)) {
        throw new SyscallException(Nr.PTRACE, Errno.ESRCH, "find thread " + thread + " of task " + leader
            + " among those that are held");
      }
    }
    return new FrozenGroup(ptrace, leader, tasks, faults);
  }

  /// Parents before their children; the root first.
  public List<Member> members() {
    return List.copyOf(members.values());
  }

  public List<Zombie> zombies() {
    return zombies;
  }

  public FrozenGroup root() {
    return members.firstEntry().getValue().group();
  }

  /// Parents before their children.
  public List<Tid> leaders() {
    return List.copyOf(members.keySet());
  }

  /// All live threads of the tree.
  public int threads() {
    return members.values().stream().mapToInt(member -> member.group().tasks().size()).sum();
  }

  @Override
  public void close() {
    members.values().forEach(member -> member.group().close());
  }

  /// One freeze under way.
  private static final class Growth {
    private final Ptrace ptrace;
    private final Deadline deadline;
    private final FaultPoints faults;
    private final SequencedMap<Tid, Member> members = new LinkedHashMap<>();
    private final Map<Tid, Zombie> zombies = new TreeMap<>();
    private final FrozenCgroups cgroups = FrozenCgroups.look();

    Growth(Ptrace ptrace, Deadline deadline, FaultPoints faults) {
      this.ptrace = ptrace;
      this.deadline = deadline;
      this.faults = faults;
    }

    Outcome from(Tid root) throws SyscallException {
      List<FreezeObstacle> obstacles = stop(root, Optional.empty());
      if (!obstacles.isEmpty()) {
        return new Outcome.Obstructed(obstacles);
      }
      // A look that finds nothing new after one that found nothing new: orphans are adopted upwards, behind our back.
      boolean grew = true;
      while (grew) {
        int known = members.size();
        Deque<Tid> parents = new ArrayDeque<>(members.keySet());
        while (!parents.isEmpty()) {
          Tid parent = parents.removeFirst();
          for (Tid child : TaskStatus.children(parent)) {
            if (members.containsKey(child)) {
              continue;
            }
            List<FreezeObstacle> found = child(child, parent);
            if (!found.isEmpty()) {
              return new Outcome.Obstructed(found);
            }
            if (members.containsKey(child)) {
              parents.addLast(child);
            }
          }
        }
        grew = members.size() > known;
      }
      return new Outcome.Frozen(new FrozenTree(byBirth(), List.copyOf(zombies.values())));
    }

    private List<FreezeObstacle> child(Tid child, Tid parent) throws SyscallException {
      Optional<TaskStatus> status = TaskStatus.of(child);
      if (status.isEmpty() || status.get().state() == 'X') {
        return List.of();
      }
      if (status.get().dead() && TaskStatus.threads(child).size() < 2) {
        zombies.put(child, new Zombie(child, parent));
        return List.of();
      }
      List<FreezeObstacle> obstacles = stop(child, Optional.of(parent));
      if (obstacles.stream().allMatch(FreezeObstacle.Gone.class::isInstance)) {
        // It ended on the way; what is left of it is a zombie, or nothing.
        if (!obstacles.isEmpty() && TaskStatus.of(child).filter(TaskStatus::dead).isPresent()) {
          zombies.put(child, new Zombie(child, parent));
        }
        return List.of();
      }
      return obstacles;
    }

    private List<FreezeObstacle> stop(Tid leader, Optional<Tid> parent) throws SyscallException {
      Optional<Path> held = cgroups.holding(leader);
      if (held.isPresent()) {
        return List.of(new FreezeObstacle.InFrozenCgroup(leader,
            TaskStatus.of(leader).map(TaskStatus::name).orElse("?"), held.get().toString()));
      }
      return switch (FrozenGroup.freeze(ptrace, leader, deadline, faults)) {
        case FrozenGroup.Outcome.Obstructed(var found) -> found;
        case FrozenGroup.Outcome.Frozen(var group) -> {
          members.put(leader, new Member(group, parent));
          yield List.of();
        }
      };
    }

    /// Adopted ones may have been found before who adopted them: parents first, whatever the order of discovery. A
    /// parent that died meanwhile has been replaced by who adopted the child.
    private SequencedMap<Tid, Member> byBirth() {
      if (members.size() == 1 && zombies.isEmpty()) {
        return new LinkedHashMap<>(members);
      }
      Map<Tid, List<Tid>> children = new HashMap<>();
      members.keySet().forEach(parent -> children.put(parent, TaskStatus.children(parent)));
      SequencedMap<Tid, Member> ordered = new LinkedHashMap<>();
      Deque<Tid> next = new ArrayDeque<>(List.of(members.firstEntry().getKey()));
      ordered.put(members.firstEntry().getKey(), members.firstEntry().getValue());
      while (!next.isEmpty()) {
        Tid parent = next.removeFirst();
        for (Tid child : children.getOrDefault(parent, List.of())) {
          if (members.containsKey(child) && !ordered.containsKey(child)) {
            ordered.put(child, new Member(members.get(child).group(), Optional.of(parent)));
            next.addLast(child);
          }
        }
      }
      zombies.replaceAll((tid, zombie) -> children.entrySet().stream().filter(e -> e.getValue().contains(tid))
          .findFirst().map(e -> new Zombie(tid, e.getKey())).orElse(zombie));
      return ordered;
    }
  }
}
