package stasis.engine;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.tracee.Deadline;
import stasis.tracee.ErrandRefusedException;
import stasis.tracee.FrozenGroup;
import stasis.tracee.FrozenTree;
import stasis.tracee.Snapshot;

/// Whose orphans come to a member of the tree: to a child subreaper above them, or to the init of their pid namespace
/// (kernel/exit.c, `find_new_reaper()`). A copy of their memory that is given away would come there too.
///
/// @param groups by their leaders
record Adopters(Set<Tid> groups) {
  private static final Duration BOUND = Duration.ofSeconds(10);

  Adopters {
    groups = Set.copyOf(groups);
  }

  /// Inits adopt in their own namespace only; it is not asked which that is.
  static Adopters of(FrozenTree tree, List<MappingCollector.PrivatePages> pages) throws SyscallException {
    boolean init = tree.members().stream().anyMatch(member -> Snapshot.isInit(member.group().shown()));
    Map<Tid, Optional<Boolean>> known = new HashMap<>();
    pages.forEach(one -> known.put(one.task(), one.subreaper()));
    Set<Tid> groups = new HashSet<>();
    for (FrozenTree.Member member : tree.members()) {
      FrozenGroup group = member.group();
      if (init || member.parent().filter(groups::contains).isPresent()
          || isSubreaper(group, known.getOrDefault(group.shown(), Optional.empty()))) {
        groups.add(group.leader());
      }
    }
    return new Adopters(groups);
  }

  /// The same for all, whoever adopts them.
  static Adopters same(FrozenTree tree, Snapshot.Custody custody) {
    return new Adopters(custody == Snapshot.Custody.KEPT ? Set.copyOf(tree.leaders()) : Set.of());
  }

  private static boolean isSubreaper(FrozenGroup group, Optional<Boolean> told) throws SyscallException {
    try {
      return told.isPresent() ? told.get()
          : Snapshot.isSubreaper(group, group.tasks().getFirst(), Deadline.after(BOUND));
    } catch (ErrandRefusedException e) {
      return true; // as will be the copy
    }
  }

  Snapshot.Custody custody(FrozenGroup group) {
    return groups.contains(group.leader()) ? Snapshot.Custody.KEPT : Snapshot.Custody.GIVEN_AWAY;
  }
}
