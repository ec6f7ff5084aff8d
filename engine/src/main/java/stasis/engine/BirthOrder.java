package stasis.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;
import stasis.image.ObjectId;
import stasis.resource.TaskState;
import stasis.resource.ZombieState;

/// In what order, and of whom, the processes of a tree are born so that each ends up with its parent, session and
/// process group. One pure function over all of them.
///
/// A session is only inherited or founded, so a child that stayed in the session its parent has left is born before the
/// parent founds its own. Who was adopted by a subreaper is born of a helper that then ends. A session or process group
/// whose leader is gone gets a leader for as long as members are to join.
final class BirthOrder {
  /// One thing to do.
  sealed interface Act {
    /// @param memory whether the parent's memory is complete by then
    /// @param shares what the child has in common with its parent from then on
    /// @param sibling it counts as a child of its parent's parent (CLONE_PARENT)
    record Bear(ObjectId parent, ObjectId child, boolean memory, Set<Part> shares, boolean sibling) implements Act {
      public Bear {
        shares = Set.copyOf(shares);
      }

      Bear(ObjectId parent, ObjectId child, boolean memory, Set<Part> shares) {
        this(parent, child, memory, shares, false);
      }

      /// One that shares nothing.
      Bear(ObjectId parent, ObjectId child, boolean memory) {
        this(parent, child, memory, Set.of());
      }
    }

    /// A helper with a pid of its own choice; it ends by [End].
    record BearHelper(ObjectId parent, ObjectId helper, Optional<Integer> pid, Set<Part> shares) implements Act {
      public BearHelper {
        shares = Set.copyOf(shares);
      }
    }

    /// The task has one of its own again, as it is at that moment.
    record Unshare(ObjectId task, Part part) implements Act {}

    record FoundSession(ObjectId task) implements Act {}

    record CompleteMemory(ObjectId task) implements Act {}

    /// Whether orphans below come to this task; its own setting comes back later.
    record AdoptOrphans(ObjectId task, boolean on) implements Act {}

    /// @param leader the task whose pid the process group has; itself to found it
    record JoinGroup(ObjectId task, ObjectId leader) implements Act {}

    /// @param parent who waits for it
    record End(ObjectId helper, ObjectId parent) implements Act {}
  }

  /// A process as far as its birth is concerned.
  ///
  /// @param copy whether its memory is a copy of its parent's @param exitSignal sent to its parent at its end
  record Node(ObjectId id, ObjectId parent, int pid, int processGroup, int session, boolean copy, boolean zombie,
      int exitSignal) {
    boolean leadsSession() {
      return session == pid;
    }
  }

  private final SortedMap<ObjectId, Node> nodes = new TreeMap<>();
  private final Map<ObjectId, List<Node>> children = new HashMap<>();
  private final Map<Integer, ObjectId> byPid = new HashMap<>();
  private final Node root;
  private final List<Act> acts = new ArrayList<>();
  private List<Act> completed = List.of();
  /// The session and process group each has as far as the acts go.
  private final Map<ObjectId, Integer> sessions = new HashMap<>();
  private final Map<ObjectId, Integer> groups = new HashMap<>();
  private final Map<ObjectId, ObjectId> clonedFrom = new HashMap<>();
  private final Set<ObjectId> complete = new HashSet<>();
  private final Map<ObjectId, Integer> helperPids = new TreeMap<>();
  private final List<Node> orphans = new ArrayList<>();
  private final Sharers sharers;
  private final Map<ObjectId, String> unshareable = new LinkedHashMap<>();
  private int lastId;

  private BirthOrder(List<Node> all, Sharers sharers) {
    this.sharers = sharers;
    root = all.getFirst();
    for (Node node : all) {
      nodes.put(node.id(), node);
      byPid.put(node.pid(), node.id());
      lastId = Math.max(lastId, node.id().value());
      if (!node.equals(root)) {
        children.computeIfAbsent(bearer(node), _ -> new ArrayList<>()).add(node);
      }
    }
  }

  /// Who has memory in common with a brother and not with their parent is born of the brother, and counts as a child of
  /// their parent (CLONE_PARENT): with the brother's exit signal (kernel/fork.c, copy_process()).
  private ObjectId bearer(Node node) {
    ObjectId first = sharers.first(Part.MM, node.id());
    Optional<Node> brother = Optional.ofNullable(nodes.get(first)).filter(known -> sharers.set(Part.MM, node.id())
        .isPresent() && !first.equals(node.id()) && !known.equals(root) && known.parent().equals(node.parent())
        && known.exitSignal() == node.exitSignal() && !sharers.first(Part.MM, node.parent()).equals(first));
    return brother.map(Node::id).orElse(node.parent());
  }

  /// @param copies which mms are copies of their parent's
  static BirthOrder of(Capture capture, Set<ObjectId> copies) {
    var sharers = Sharers.of(capture.leaders());
    var all = new ArrayList<Node>();
    for (Map.Entry<ObjectId, TaskState> entry : capture.leaders()) {
      TaskState task = entry.getValue();
      all.add(new Node(entry.getKey(), task.parent(), task.pids().getFirst(), task.processGroup(), task.session(),
          copies.contains(task.mm()) && sharers.isFirst(Part.MM, entry.getKey()), false, task.exitSignal()));
    }
    for (Map.Entry<ObjectId, ZombieState> entry : capture.zombies().entrySet()) {
      ZombieState zombie = entry.getValue();
      all.add(new Node(entry.getKey(), zombie.parent(), zombie.pids().getFirst(), zombie.processGroup(),
          zombie.session(), false, true, zombie.exitSignal()));
    }
    int last = capture.items().isEmpty() ? 0 : capture.items().lastKey().value();
    return of(all, last, sharers);
  }

  /// @param nodes the root first @param lastId helpers get ids above it
  static BirthOrder of(List<Node> nodes, int lastId, Sharers sharers) {
    var order = new BirthOrder(nodes, sharers);
    order.lastId = Math.max(order.lastId, lastId);
    order.solve();
    return order;
  }

  List<Act> acts() {
    return List.copyOf(completed);
  }

  /// Whose memory a process has at its birth; empty for the root.
  Optional<ObjectId> clonedFrom(ObjectId child) {
    return Optional.ofNullable(clonedFrom.get(child));
  }

  /// Processes that cannot be born where they belong, each with the reason.
  Map<ObjectId, String> impossible() {
    Map<ObjectId, String> reasons = new LinkedHashMap<>();
    for (Node orphan : orphans) {
      reasons.put(orphan.id(), "it is in session " + orphan.session() + ", which its parent never was in, and nobody"
          + " whose orphans would come to that parent is");
    }
    unshareable.forEach(reasons::putIfAbsent);
    return reasons;
  }

  private void solve() {
    sessions.put(root.id(), root.session());
    groups.put(root.id(), root.processGroup());
    grow(root, Optional.empty());
    adoptAll();
    joinGroups();
    completed = BirthSharing.complete(acts, root.id(), sharers, unshareable);
    firstsComeFirst();
  }

  /// The memory of several is made in the first of them.
  private void firstsComeFirst() {
    for (ObjectId task : clonedFrom.keySet()) {
      ObjectId of = GroupPlan.require(clonedFrom, task);
      if (sharers.set(Part.MM, task).isPresent() && sharers.isFirst(Part.MM, task) && sharers.first(Part.MM, of)
          .equals(task)) {
        unshareable.putIfAbsent(task, "it shares its memory with one that was there before it and counts as its child");
      }
    }
  }

  /// Everything below a task that was just born, and its own session and memory.
  ///
  /// @param inherited the session it was born into; for the root its own unless it leads one
  private void grow(Node node, Optional<Integer> inherited) {
    var before = new ArrayList<Node>();
    var after = new ArrayList<Node>();
    for (Node child : grouped(node)) {
      Optional<Integer> into = birthSession(child);
      if (into.isEmpty() || into.get() == node.session()) {
        after.add(child);
      } else if (node.leadsSession() && into.equals(inherited)) {
        before.add(child);
      } else {
        orphans.add(child);
      }
    }
    before.stream().filter(child -> !child.copy()).forEach(child -> bear(node, child));
    if (before.stream().anyMatch(Node::copy)) {
      completeMemory(node);
      before.stream().filter(Node::copy).forEach(child -> bear(node, child));
    }
    if (node.leadsSession()) {
      acts.add(new Act.FoundSession(node.id()));
      sessions.put(node.id(), node.pid());
      groups.put(node.id(), node.pid());
    }
    after.stream().filter(child -> !child.copy()).forEach(child -> bear(node, child));
    completeMemory(node);
    after.stream().filter(Node::copy).forEach(child -> bear(node, child));
  }

  /// Who shares files or fs with whom its parent no longer shares with is born first, who shares with it last.
  private List<Node> grouped(Node node) {
    List<Node> all = children.getOrDefault(node.id(), List.of());
    return Stream.of(Part.FS, Part.FILES).filter(part -> all.stream().anyMatch(
        child -> sharers.set(part, child.id()).isPresent())).reduce(all, (some, part) -> some.stream()
            .sorted(Comparator.comparingInt(child -> rank(part, node, child))).toList(), (_, last) -> last);
  }

  private int rank(Part part, Node node, Node child) {
    Optional<ObjectId> set = sharers.set(part, child.id());
    return set.isEmpty() ? 0 : set.equals(sharers.set(part, node.id())) ? Integer.MAX_VALUE
        : set.equals(sharers.set(part, node.parent())) ? -1 : set.get().value();
  }

  /// The session a process must be born into: its own, or for one that founds a session, that of children that were
  /// born before it did; empty for any.
  private Optional<Integer> birthSession(Node node) {
    if (!node.leadsSession()) {
      return Optional.of(node.session());
    }
    return children.getOrDefault(node.id(), List.of()).stream().map(this::birthSession).flatMap(Optional::stream)
        .filter(session -> session != node.session()).findFirst();
  }

  private void bear(Node parent, Node child) {
    acts.add(new Act.Bear(parent.id(), child.id(), complete.contains(sharers.first(Part.MM, parent.id())), Set.of(),
        !child.parent().equals(parent.id())));
    born(parent.id(), child);
  }

  private void born(ObjectId of, Node child) {
    clonedFrom.put(child.id(), of);
    int session = GroupPlan.require(sessions, of);
    sessions.put(child.id(), session);
    groups.put(child.id(), GroupPlan.require(groups, of));
    grow(child, Optional.of(session));
  }

  private void completeMemory(Node node) {
    ObjectId first = sharers.first(Part.MM, node.id());
    if (!node.zombie() && complete.add(first)) {
      acts.add(new Act.CompleteMemory(first));
    }
  }

  /// Orphans of other sessions, once all others are born; one may be an ancestor of whom the next needs.
  private void adoptAll() {
    boolean progress = true;
    while (progress && !orphans.isEmpty()) {
      progress = false;
      for (Node orphan : List.copyOf(orphans)) {
        if (clonedFrom.containsKey(orphan.parent()) || orphan.parent().equals(root.id())) {
          progress |= adopt(orphan);
        }
      }
    }
  }

  private boolean adopt(Node orphan) {
    if (!orphans.contains(orphan)) {
      return true;
    }
    Node parent = GroupPlan.require(nodes, orphan.parent());
    int session = birthSession(orphan).orElseThrow();
    Optional<Node> leader = Optional.ofNullable(byPid.get(session))
        .map(id -> GroupPlan.require(nodes, id));
    Optional<Node> kin = leader.filter(known -> !known.zombie() && sessions.containsKey(known.id()))
        .filter(known -> isBelow(known, parent));
    if (leader.isPresent() && kin.isEmpty()) {
      return false;
    }
    acts.add(new Act.AdoptOrphans(parent.id(), true));
    ObjectId of = kin.map(Node::id).orElse(parent.id());
    ObjectId helper = helper(of, kin.isPresent() ? Optional.empty() : Optional.of(session));
    if (kin.isEmpty()) {
      acts.add(new Act.FoundSession(helper));
      sessions.put(helper, session);
      groups.put(helper, session);
    }
    for (Node mate : List.copyOf(orphans)) {
      if (mate.parent().equals(parent.id()) && birthSession(mate).equals(Optional.of(session))) {
        orphans.remove(mate);
        acts.add(new Act.Bear(helper, mate.id(), true));
        clonedFrom.put(helper, of);
        born(helper, mate);
        clonedFrom.put(mate.id(), of);
      }
    }
    acts.add(new Act.End(helper, of));
    acts.add(new Act.AdoptOrphans(parent.id(), false));
    return true;
  }

  private boolean isBelow(Node node, Node ancestor) {
    Node at = node;
    while (!at.equals(root) && !at.id().equals(ancestor.id())) {
      at = GroupPlan.require(nodes, at.parent());
    }
    return at.id().equals(ancestor.id());
  }

  private ObjectId helper(ObjectId of, Optional<Integer> pid) {
    ObjectId helper = new ObjectId(++lastId);
    pid.ifPresent(number -> helperPids.put(helper, number));
    acts.add(new Act.BearHelper(of, helper, pid, Set.of()));
    sessions.put(helper, GroupPlan.require(sessions, of));
    groups.put(helper, GroupPlan.require(groups, of));
    return helper;
  }

  /// Leaders first, then who joins them. A group of the root's that nobody of the tree leads is the restorer's own. A
  /// group is held by a helper where its leader is gone, or is in another group by now.
  private void joinGroups() {
    Set<Integer> wanted = new HashSet<>();
    nodes.values().stream().filter(node -> sessions.containsKey(node.id())).forEach(
        node -> wanted.add(node.processGroup()));
    List<Act> ends = new ArrayList<>();
    for (Node node : nodes.values()) {
      if (wanted.contains(node.pid()) && !node.leadsSession() && sessions.containsKey(node.id())) {
        acts.add(new Act.JoinGroup(node.id(), node.id()));
        groups.put(node.id(), node.pid());
        if (node.processGroup() != node.pid()) {
          ends.add(new Act.End(helper(node.id(), Optional.empty()), node.id()));
        }
      }
    }
    Map<Integer, ObjectId> leaders = new HashMap<>();
    for (Node node : nodes.values()) {
      int group = node.processGroup();
      if (!sessions.containsKey(node.id()) || GroupPlan.require(groups, node.id()) == group) {
        continue;
      }
      ObjectId leader = Optional.ofNullable(byPid.get(group))
          .orElseGet(() -> leaders.computeIfAbsent(group, _ -> leader(node, ends)));
      acts.add(new Act.JoinGroup(node.id(), leader));
      groups.put(node.id(), group);
    }
    acts.addAll(ends);
  }

  private ObjectId leader(Node member, List<Act> ends) {
    ObjectId of = inSession(member.session());
    ObjectId helper = helper(of, Optional.of(member.processGroup()));
    acts.add(new Act.JoinGroup(helper, helper));
    ends.add(new Act.End(helper, of));
    return helper;
  }

  /// Someone who can wait for a helper born into the session.
  private ObjectId inSession(int session) {
    return nodes.values().stream().filter(node -> !node.zombie() && Integer.valueOf(session).equals(
        sessions.get(node.id()))).map(Node::id).findFirst().orElse(root.id());
  }
}
