package stasis.engine;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.engine.BirthOrder.Act;
import stasis.image.ObjectId;

/// Completes births by what parents and children share: clone(2) is the only way to come to share anything, so those
/// that do must hang together by births that share it, over others if need be. Who is between and not of them gets its
/// own by unshare(2), where there is such a thing: of one table after the other, never back to one it has left.
final class BirthSharing {
  private final List<Act> acts;
  private final Sharers sharers;
  private final Map<ObjectId, ObjectId> bornOf = new LinkedHashMap<>();
  private final Map<ObjectId, List<ObjectId>> born = new HashMap<>();
  private final Set<ObjectId> helpers = new HashSet<>();
  private final Map<ObjectId, Set<Part>> shares = new HashMap<>();
  /// What a task parts from just before it bears this child.
  private final Map<ObjectId, Set<Part>> partsBefore = new HashMap<>();
  private final Map<ObjectId, Set<Part>> partsAtLast = new LinkedHashMap<>();
  private final Map<ObjectId, String> impossible = new LinkedHashMap<>();

  private BirthSharing(List<Act> acts, Sharers sharers) {
    this.acts = acts;
    this.sharers = sharers;
    for (Act act : acts) {
      if (act instanceof Act.Bear(var parent, var child, _, _, _)) {
        birth(parent, child);
      } else if (act instanceof Act.BearHelper(var parent, var helper, _, _)) {
        birth(parent, helper);
        helpers.add(helper);
      }
    }
  }

  private void birth(ObjectId parent, ObjectId child) {
    bornOf.put(child, parent);
    born.computeIfAbsent(parent, _ -> new ArrayList<>()).add(child);
  }

  /// @param order of the births, which stays @param why gets who cannot share as it should, with the reason
  static List<Act> complete(List<Act> order, ObjectId root, Sharers sharers, Map<ObjectId, String> why) {
    var sharing = new BirthSharing(order, sharers);
    for (Part part : Part.values()) {
      sharing.solve(part, root);
    }
    sharing.shares.forEach((child, parts) -> {
      if (parts.contains(Part.HANDLERS) && !parts.contains(Part.MM)) {
        sharing.impossible.putIfAbsent(child, "it would share signal handlers with a parent whose memory is another");
      }
    });
    why.putAll(sharing.impossible);
    return sharing.completed();
  }

  private void solve(Part part, ObjectId root) {
    Map<ObjectId, ObjectId> over = over(part, root);
    if (over.isEmpty()) {
      return;
    }
    List<ObjectId> all = new ArrayList<>(List.of(root));
    all.addAll(bornOf.keySet());
    for (ObjectId task : all) {
      Optional<ObjectId> own = sharers.set(part, task);
      Optional<ObjectId> now = Optional.ofNullable(over.get(task));
      // Whom it is born to share with; with nobody, it has a new one for whoever comes first.
      var left = new HashSet<ObjectId>();
      for (ObjectId child : born.getOrDefault(task, List.of())) {
        ObjectId wanted = over.get(child);
        if (wanted == null) {
          continue;
        }
        if (now.isPresent() && !now.get().equals(wanted)) {
          part(part, task, Optional.of(child), left, now.get());
        }
        refuseIf(left.contains(wanted), part, child);
        now = Optional.of(wanted);
        shares.computeIfAbsent(child, _ -> EnumSet.noneOf(Part.class)).add(part);
      }
      if (now.isPresent() && !now.equals(own) && !helpers.contains(task)) {
        part(part, task, Optional.empty(), left, now.get());
      }
      refuseIf(own.isPresent() && left.contains(own.get()), part, task);
    }
  }

  private void part(Part part, ObjectId task, Optional<ObjectId> before, Set<ObjectId> left, ObjectId from) {
    left.add(from);
    refuseIf(!part.canPart(), part, task);
    Map<ObjectId, Set<Part>> where = before.isPresent() ? partsBefore : partsAtLast;
    where.computeIfAbsent(before.orElse(task), _ -> EnumSet.noneOf(Part.class)).add(part);
  }

  private void refuseIf(boolean condition, Part part, ObjectId task) {
    if (condition) {
      impossible.putIfAbsent(task, "its " + part.what() + " and that of others are shared in a way that no order of"
          + " births makes: the process that they had it from is gone, or has taken another");
    }
  }

  /// Which set each birth hands on: the one that has members both below it and elsewhere.
  private Map<ObjectId, ObjectId> over(Part part, ObjectId root) {
    Map<ObjectId, Integer> total = new HashMap<>();
    List<ObjectId> all = new ArrayList<>(List.of(root));
    all.addAll(bornOf.keySet());
    all.forEach(task -> sharers.set(part, task).ifPresent(set -> total.merge(set, 1, Integer::sum)));
    Map<ObjectId, ObjectId> over = new HashMap<>();
    if (total.isEmpty()) {
      return over;
    }
    Map<ObjectId, Map<ObjectId, Integer>> below = new HashMap<>();
    // Children are born after their parents.
    for (ObjectId task : all.reversed()) {
      Map<ObjectId, Integer> mine = below.computeIfAbsent(task, _ -> new HashMap<>());
      sharers.set(part, task).ifPresent(set -> mine.merge(set, 1, Integer::sum));
      mine.entrySet().removeIf(entry -> entry.getValue().equals(total.get(entry.getKey())));
      ObjectId parent = bornOf.get(task);
      if (parent == null || mine.isEmpty()) {
        continue;
      }
      refuseIf(mine.size() > 1, part, task);
      over.put(task, mine.keySet().stream().min(ObjectId::compareTo).orElseThrow());
      Map<ObjectId, Integer> above = below.computeIfAbsent(parent, _ -> new HashMap<>());
      mine.forEach((set, count) -> above.merge(set, count, Integer::sum));
    }
    return over;
  }

  private List<Act> completed() {
    if (shares.isEmpty()) {
      return acts;
    }
    Map<ObjectId, Integer> lastBirth = new HashMap<>();
    for (int i = 0; i < acts.size(); i++) {
      switch (acts.get(i)) {
        case Act.Bear(var parent, var child, _, _, _) -> {
          lastBirth.put(parent, i);
          lastBirth.put(child, i);
        }
        case Act.BearHelper(var parent, var helper, _, _) -> lastBirth.put(parent, i);
        default -> { }
      }
    }
    var completed = new ArrayList<Act>();
    var last = new HashMap<Integer, List<ObjectId>>();
    partsAtLast.keySet().forEach(task -> last.computeIfAbsent(lastBirth.getOrDefault(task, acts.size() - 1),
        _ -> new ArrayList<>()).add(task));
    for (int i = 0; i < acts.size(); i++) {
      completed.addAll(switch (acts.get(i)) {
        case Act.Bear(var parent, var child, var memory, _, boolean sibling) -> {
          List<Act> birth = parting(parent, partsBefore.getOrDefault(child, Set.of()));
          birth.add(new Act.Bear(parent, child, memory, shared(child), sibling));
          yield birth;
        }
        case Act.BearHelper(var parent, var helper, var pid, _) -> {
          List<Act> birth = parting(parent, partsBefore.getOrDefault(helper, Set.of()));
          birth.add(new Act.BearHelper(parent, helper, pid, shared(helper)));
          yield birth;
        }
        case Act other -> List.of(other);
      });
      for (ObjectId task : last.getOrDefault(i, List.of())) {
        completed.addAll(parting(task, partsAtLast.getOrDefault(task, Set.of())));
      }
    }
    return completed;
  }

  private Set<Part> shared(ObjectId child) {
    return shares.getOrDefault(child, Set.of());
  }

  private static List<Act> parting(ObjectId task, Set<Part> parts) {
    var acts = new ArrayList<Act>();
    parts.forEach(part -> acts.add(new Act.Unshare(task, part)));
    return acts;
  }
}
