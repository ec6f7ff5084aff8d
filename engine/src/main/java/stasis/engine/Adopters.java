package stasis.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.tracee.Deadline;
import stasis.tracee.ErrandRefusedException;
import stasis.tracee.FrozenGroup;
import stasis.tracee.FrozenTree;
import stasis.tracee.LiveTask;
import stasis.tracee.Relief;
import stasis.tracee.Snapshot;

/// Who of a tree adopts orphans, among which copies of its memory shall not be: child subreapers, and inits of pid
/// namespaces (kernel/exit.c, `find_new_reaper()`). An init cannot be passed by; a subreaper is none while copies are made.
///
/// @param custody of all copies @param subreapers that are to be relieved
record Adopters(Snapshot.Custody custody, List<FrozenGroup> subreapers) {
  private static final Duration BOUND = Duration.ofSeconds(30);

  Adopters {
    subreapers = List.copyOf(subreapers);
  }

  /// Inits adopt in their own namespace only; it is not asked which that is.
  static Adopters of(FrozenTree tree, List<MappingCollector.PrivatePages> pages) throws SyscallException {
    if (tree.members().stream().anyMatch(member -> Snapshot.isInit(member.group().shown()))) {
      return all(Snapshot.Custody.KEPT);
    }
    Map<Tid, Optional<Boolean>> known = new HashMap<>();
    pages.forEach(one -> known.put(one.task(), one.subreaper()));
    var subreapers = new ArrayList<FrozenGroup>();
    for (FrozenTree.Member member : tree.members()) {
      FrozenGroup group = member.group();
      if (isSubreaper(group, known.getOrDefault(group.shown(), Optional.empty()))) {
        subreapers.add(group);
      }
    }
    return new Adopters(Snapshot.Custody.GIVEN_AWAY, subreapers);
  }

  /// @param relieved whether they are treated as child subreapers, which they are from then on
  static Adopters rehearsed(FrozenTree tree, Snapshot.Custody custody, boolean relieved) {
    return custody == Snapshot.Custody.KEPT || !relieved ? all(custody)
        : new Adopters(custody, tree.members().stream().map(FrozenTree.Member::group).toList());
  }

  private static Adopters all(Snapshot.Custody custody) {
    return new Adopters(custody, List.of());
  }

  private static boolean isSubreaper(FrozenGroup group, Optional<Boolean> told) throws SyscallException {
    try {
      return told.isPresent() ? told.get()
          : Snapshot.isSubreaper(group, group.tasks().getFirst(), Deadline.after(BOUND));
    } catch (ErrandRefusedException e) {
      return true; // as will be the relief
    }
  }

  Watch relieve() throws ErrandRefusedException, SyscallException {
    var watch = new Watch(custody);
    boolean done = false;
    try {
      for (FrozenGroup group : subreapers) {
        watch.reliefs.add(Relief.of(group, Deadline.after(BOUND)));
      }
      done = true;
      return watch;
    } finally {
      if (!done) {
        watch.close();
      }
    }
  }

  /// The time in which copies are made. At its end all adopt again.
  static final class Watch implements AutoCloseable {
    private final Snapshot.Custody custody;
    private final List<Relief> reliefs = new ArrayList<>();

    private Watch(Snapshot.Custody custody) {
      this.custody = custody;
    }

    Snapshot.Outcome copy(FrozenGroup group) throws ErrandRefusedException, SyscallException {
      LiveTask task = group.tasks().getFirst();
      Optional<Relief> own = reliefs.stream().filter(relief -> relief.group() == group).findFirst();
      return own.isPresent() ? own.get().take() : Snapshot.take(group, task, custody, Deadline.after(BOUND));
    }

    @Override
    public void close() throws SyscallException {
      Optional<SyscallException> failure = Optional.empty();
      for (Relief relief : reliefs.reversed()) {
        try {
          relief.close();
        } catch (SyscallException e) {
          failure.ifPresent(e::addSuppressed);
          failure = Optional.of(e);
        }
      }
      if (failure.isPresent()) {
        throw failure.get();
      }
    }
  }

  /// Who was orphaned just then, by somebody who killed its parent, has been adopted past them.
  ///
  /// @return whose parent is not of the tree any more, in words
  List<String> passedBy(FrozenTree tree, Proc proc) {
    var told = new ArrayList<String>();
    Set<Tid> leaders = Set.copyOf(tree.leaders());
    for (FrozenTree.Member member : subreapers.isEmpty() ? List.<FrozenTree.Member>of() : tree.members()) {
      Tid leader = member.group().leader();
      if (member.parent().isPresent()) {
        parent(proc, leader).filter(parent -> !leaders.contains(parent)).ifPresent(parent -> told.add("task "
            + leader + " was orphaned in the moment in which copies were made, and adopted by " + parent
            + " instead of a child subreaper of the program"));
      }
    }
    return told;
  }

  /// Empty when it has ended too, or its parent is in a pid namespace above ours.
  private static Optional<Tid> parent(Proc proc, Tid leader) {
    try {
      int parent = proc.task(leader).stat().ppid();
      return parent == 0 ? Optional.empty() : Optional.of(new Tid(parent));
    } catch (ProcException e) {
      return Optional.empty();
    }
  }
}
