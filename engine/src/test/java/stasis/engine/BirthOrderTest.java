package stasis.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import stasis.engine.BirthOrder.Act;
import stasis.engine.BirthOrder.Node;
import stasis.image.ObjectId;

/// Every answer is played on a model of what the kernel does (fork(2), setsid(2), setpgid(2), orphans), and must end in
/// the tree that was asked for.
class BirthOrderTest {
  private static final int RESTORERS_SESSION = 1;
  private static final Sharers ALONE = Sharers.of(List.of());

  /// Who lives, with what, as the acts go on.
  private static final class Model {
    private static final class Process {
      private Optional<ObjectId> parent = Optional.empty();
      private int pid;
      private int session;
      private int group;
      private boolean subreaper;
      /// What it has of each part, by a number.
      private final Map<Part, Integer> parts = new EnumMap<>(Part.class);
    }

    private int nextPart;

    private final Map<ObjectId, Process> alive = new HashMap<>();
    private final Map<ObjectId, Node> wanted = new HashMap<>();
    private int nextPid = 100_000;

    Model(List<Node> nodes) {
      nodes.forEach(node -> wanted.put(node.id(), node));
      Node root = nodes.getFirst();
      Process process = new Process();
      process.pid = root.pid();
      process.session = root.leadsSession() ? RESTORERS_SESSION : root.session();
      process.group = root.leadsSession() || root.processGroup() == root.pid() ? RESTORERS_SESSION
          : root.processGroup();
      for (Part part : Part.values()) {
        process.parts.put(part, nextPart++);
      }
      alive.put(root.id(), process);
    }

    /// Who shares, shares; who does not, does not.
    void sharesAsWanted(Sharers sharers) {
      for (Part part : Part.values()) {
        Map<Integer, ObjectId> sets = new HashMap<>();
        Map<ObjectId, Integer> parts = new HashMap<>();
        alive.forEach((id, process) -> {
          ObjectId first = sharers.first(part, id);
          int number = GroupPlan.require(process.parts, part);
          assertThat(sets.putIfAbsent(number, first)).as("%s of %s", part, id).isIn(null, first);
          assertThat(parts.putIfAbsent(first, number)).as("%s of %s", part, id).isIn(null, number);
        });
      }
    }

    void play(Act act) {
      switch (act) {
        case Act.Bear(var parent, var child, _, var shares, boolean sibling) -> {
          fork(parent, child, GroupPlan.require(wanted, child).pid(), shares);
          if (sibling) {
            assertThat(process(parent).parent).as("the root's parent is outside").isPresent();
            process(child).parent = process(parent).parent;
          }
        }
        case Act.BearHelper(var parent, var helper, var pid, var shares) ->
            fork(parent, helper, pid.orElseGet(() -> nextPid++), shares);
        case Act.Unshare(var task, var part) -> {
          assertThat(part).as("what unshare(2) knows").isIn(Part.FILES, Part.FS);
          process(task).parts.put(part, nextPart++);
        }
        case Act.FoundSession(var task) -> {
          Process process = process(task);
          assertThat(process.group).as("setsid of a group leader").isNotEqualTo(process.pid);
          process.session = process.pid;
          process.group = process.pid;
        }
        case Act.CompleteMemory _ -> { }
        case Act.AdoptOrphans(var task, boolean on) -> process(task).subreaper = on;
        case Act.JoinGroup(var task, var leader) -> join(process(task), process(leader).pid);
        case Act.End(var helper, var parent) -> end(helper, parent);
      }
    }

    private Process process(ObjectId task) {
      return GroupPlan.require(alive, task);
    }

    private void fork(ObjectId parent, ObjectId child, int pid, Set<Part> shares) {
      Process process = new Process();
      assertThat(shares.contains(Part.HANDLERS) && !shares.contains(Part.MM)).as("EINVAL of clone(2)").isFalse();
      for (Part part : Part.values()) {
        process.parts.put(part, shares.contains(part) ? GroupPlan.require(process(parent).parts, part) : nextPart++);
      }
      assertThat(alive.values()).as("pid %d is free", pid).noneMatch(other -> other.pid == pid);
      process.parent = Optional.of(parent);
      process.pid = pid;
      process.session = process(parent).session;
      process.group = process(parent).group;
      assertThat(alive.put(child, process)).isNull();
    }

    private void join(Process process, int group) {
      assertThat(process.session).as("setpgid of a session leader").isNotEqualTo(process.pid);
      if (group != process.pid) {
        assertThat(alive.values()).as("group %d is there, in session %d", group, process.session)
            .anyMatch(other -> other.group == group && other.session == process.session);
      }
      process.group = group;
    }

    private void end(ObjectId helper, ObjectId parent) {
      assertThat(process(helper).parent).as("who waits for %s", helper).contains(parent);
      alive.remove(helper);
      Optional<ObjectId> reaper = Optional.of(parent);
      while (reaper.isPresent() && !process(reaper.get()).subreaper) {
        reaper = process(reaper.get()).parent;
      }
      for (Process orphan : alive.values()) {
        if (orphan.parent.equals(Optional.of(helper))) {
          assertThat(reaper).as("an orphan falls out of the tree").isPresent();
          orphan.parent = reaper;
        }
      }
    }

    void isAsWanted() {
      assertThat(alive.keySet()).isEqualTo(wanted.keySet());
      wanted.forEach((id, node) -> {
        Process process = process(id);
        assertThat(process.pid).isEqualTo(node.pid());
        process.parent.ifPresent(parent -> assertThat(parent).as("parent of %s", id).isEqualTo(node.parent()));
        assertThat(process.session).as("session of %s", id).isEqualTo(node.session());
        assertThat(process.group).as("group of %s", id).isEqualTo(node.processGroup());
      });
    }
  }

  private static Node node(int id, int parent, int pid, int group, int session) {
    return new Node(new ObjectId(id), new ObjectId(parent), pid, group, session, false, false, 17);
  }

  private static Node copy(int id, int parent, int pid, int group, int session) {
    return new Node(new ObjectId(id), new ObjectId(parent), pid, group, session, true, false, 17);
  }

  private static List<Act> solved(Node... nodes) {
    BirthOrder order = BirthOrder.of(List.of(nodes), 0, ALONE);
    assertThat(order.impossible()).isEmpty();
    var model = new Model(List.of(nodes));
    assertThat(order.acts()).noneMatch(act -> act instanceof Act.Bear bear && !bear.shares().isEmpty());
    order.acts().forEach(model::play);
    model.isAsWanted();
    return order.acts();
  }

  @Test
  void aFamilyInOneSession() {
    solved(node(1, 1, 10, 10, 10), node(2, 1, 11, 10, 10), node(3, 2, 12, 12, 10), node(4, 1, 13, 12, 10));
  }

  @Test
  void whoStayedInTheSessionItsParentLeftIsBornBefore() {
    solved(node(1, 1, 10, 10, 10), node(2, 1, 11, 11, 11), node(3, 2, 12, 10, 10), node(4, 2, 13, 11, 11));
  }

  @Test
  void aSessionLeaderMayHaveAGrandchildInTheSessionBeforeItsParents() {
    // 2 founded session 11 after it bore 3, which founded session 12 after it bore 4 into the root's.
    solved(node(1, 1, 10, 10, 10), node(2, 1, 11, 11, 11), node(3, 2, 12, 12, 12), node(4, 3, 13, 10, 10));
  }

  @Test
  void aCopyOfMemoryIsBornWhenThatIsComplete() {
    List<Act> acts = solved(node(1, 1, 10, 10, 10), copy(2, 1, 11, 10, 10), node(3, 1, 12, 10, 10));

    assertThat(acts.indexOf(new Act.CompleteMemory(new ObjectId(1))))
        .isLessThan(acts.indexOf(new Act.Bear(new ObjectId(1), new ObjectId(2), true)))
        .isGreaterThan(acts.indexOf(new Act.Bear(new ObjectId(1), new ObjectId(3), false)));
  }

  @Test
  void aCopyThatStaysInTheOldSessionComesAfterTheMemoryAndBeforeTheNewSession() {
    List<Act> acts = solved(node(1, 1, 10, 10, 10), node(2, 1, 11, 11, 11), copy(3, 2, 12, 10, 10));

    assertThat(acts.indexOf(new Act.Bear(new ObjectId(2), new ObjectId(3), true)))
        .isGreaterThan(acts.indexOf(new Act.CompleteMemory(new ObjectId(2))))
        .isLessThan(acts.indexOf(new Act.FoundSession(new ObjectId(2))));
  }

  @Test
  void aGroupWhoseLeaderIsGoneIsLedByAHelper() {
    solved(node(1, 1, 10, 10, 10), node(2, 1, 11, 77, 10), node(3, 1, 12, 77, 10));
  }

  @Test
  void aDaemonWhoseSessionLeaderIsGone() {
    solved(node(1, 1, 10, 10, 10), node(2, 1, 11, 66, 66), node(3, 2, 12, 66, 66), node(4, 1, 13, 66, 66));
  }

  @Test
  void anOrphanOfALivingSession() {
    solved(node(1, 1, 10, 10, 10), node(2, 1, 11, 11, 11), node(3, 1, 12, 11, 11));
  }

  @Test
  void aGroupOfTheRestorersIsLeftAlone() {
    solved(node(1, 1, 10, 5, 4), node(2, 1, 11, 5, 4), node(3, 2, 12, 12, 4));
  }

  @Test
  void anOrphanThatNobodyCouldHaveLeftToItsParentIsImpossible() {
    // 3 is a child of 2 in the session of 4, which is no descendant of 2.
    BirthOrder order = BirthOrder.of(List.of(node(1, 1, 10, 10, 10), node(2, 1, 11, 10, 10), node(3, 2, 12, 13, 13),
        node(4, 1, 13, 13, 13)), 0, ALONE);

    assertThat(order.impossible()).containsOnlyKeys(new ObjectId(3));
  }

  @Test
  void sameTreeSameOrder() {
    Node[] tree = {node(1, 1, 10, 10, 10), node(2, 1, 11, 66, 66), node(3, 1, 12, 77, 10), node(4, 2, 13, 13, 13)};

    assertThat(solved(tree)).isEqualTo(solved(tree));
  }

  /// Trees as programs make them: by fork, setsid, setpgid, and ends whose orphans a subreaper adopts.
  @Test
  void whatProgramsCanMakeCanBeMadeAgain() {
    for (int seed = 0; seed < 2000; seed++) {
      List<Node> nodes = Grown.grown(new Random(seed));
      BirthOrder order = BirthOrder.of(nodes, 0, ALONE);
      assertThat(order.impossible()).as("seed %d: %s", seed, nodes).isEmpty();
      var model = new Model(nodes);
      try {
        order.acts().forEach(model::play);
        model.isAsWanted();
      } catch (AssertionError | IllegalStateException e) {
        throw new AssertionError("seed " + seed + "\n" + nodes + "\n" + order.acts(), e);
      }
    }
  }

  /// A root and its two children, of which the latter share a part with each other alone.
  private static BirthOrder siblings(Part shared) {
    var grown = new ArrayList<>(List.of(new Grown(10)));
    grown.add(new Grown(11, grown.getFirst(), Set.of()));
    grown.add(new Grown(12, grown.getFirst(), Set.of()));
    grown.get(1).part(Set.of(shared), 77);
    grown.get(2).part(Set.of(shared), 77);
    return BirthOrder.of(Grown.nodes(grown), 0, Grown.sharers(grown));
  }

  @Test
  void aParentHoldsWhatItsChildrenShareUntilBothHaveIt() {
    BirthOrder order = siblings(Part.FILES);

    assertThat(order.impossible()).isEmpty();
    assertThat(order.acts()).containsSubsequence(new Act.Bear(new ObjectId(1), new ObjectId(2), false,
        Set.of(Part.FILES)), new Act.Bear(new ObjectId(1), new ObjectId(3), false, Set.of(Part.FILES)),
        new Act.Unshare(new ObjectId(1), Part.FILES));
  }

  @Test
  void memoryCannotBeHandedOnByWhoDoesNotHaveIt() {
    assertThat(siblings(Part.HANDLERS).impossible().values())
        .anyMatch(why -> why.contains("signal handlers"));
  }

  @Test
  void aBrotherIsBornOfWhomItSharesMemoryWith() {
    BirthOrder order = siblings(Part.MM);

    assertThat(order.impossible()).isEmpty();
    assertThat(order.acts()).contains(new Act.Bear(new ObjectId(2), new ObjectId(3), false, Set.of(Part.MM), true));
  }

  /// With what they share, by clone(2), unshare(2) and execve(2). Most can be made again; what cannot is said to be.
  @Test
  void whatProgramsCanShareCanBeSharedAgain() {
    int refused = 0;
    for (int seed = 0; seed < 2000; seed++) {
      var sharing = new Random(-1 - seed);
      List<Grown> grown = Grown.grow(new Random(seed), Optional.of(sharing));
      List<Node> nodes = Grown.nodes(grown);
      Sharers sharers = Grown.sharers(grown);
      BirthOrder order = BirthOrder.of(nodes, 0, sharers);
      if (!order.impossible().isEmpty()) {
        refused++;
        continue;
      }
      var model = new Model(nodes);
      try {
        order.acts().forEach(model::play);
        model.isAsWanted();
        model.sharesAsWanted(sharers);
      } catch (AssertionError | IllegalStateException e) {
        throw new AssertionError("seed " + seed + "\n" + nodes + "\n" + order.acts(), e);
      }
    }
    assertThat(refused).isBetween(1, 100);
  }
}
