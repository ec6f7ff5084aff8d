package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.tracee.FrozenGroup;
import stasis.tracee.FrozenTree;
import stasis.tracee.Ptrace;

/// What was learnt of a tree just before its freeze, and the way to answers during it.
final class Answering {
  private final HiddenKernel kernel;
  private final Map<Tid, Long> asleepSinceNs;
  private final Outsiders outsiders;
  private final boolean hugeToo;

  private Answering(HiddenKernel kernel, Map<Tid, Long> asleepSinceNs, Outsiders outsiders, boolean hugeToo) {
    this.hugeToo = hugeToo;
    this.outsiders = outsiders;
    this.kernel = kernel;
    this.asleepSinceNs = asleepSinceNs;
  }

  /// When each thread last ran is read now: the freeze itself wakes them.
  ///
  /// @param kernel stays open as long as this is used
  /// @param hugeToo whether it matters which vmas have huge pages: where writes are to be noted
  static Answering open(Environment environment, Tid root, HiddenKernel kernel, boolean hugeToo) {
    Map<Tid, Long> since = new HashMap<>();
    if (!kernel.isReadable()) {
      asleepSince(environment, root, since);
    }
    return new Answering(kernel, since, Outsiders.look(environment.proc()), hugeToo);
  }

  /// Of the task and its descendants.
  private static void asleepSince(Environment environment, Tid root, Map<Tid, Long> since) {
    ProcTask task = environment.proc().task(root);
    try {
      for (Tid thread : task.threads()) {
        task.thread(thread).sched().execStartNs().ifPresent(ns -> since.put(thread, ns));
        for (Tid child : task.thread(thread).children()) {
          asleepSince(environment, child, since);
        }
      }
    } catch (ProcException e) {
      // It has ended; who goes on without an answer is told so.
      since.remove(root);
    }
  }

  Outsiders outsiders() {
    return outsiders;
  }

  /// The tree as the collector needs it; to be called while it is frozen.
  Stopped of(FrozenTree tree, Ptrace ptrace, LongSupplier monotonicNs) throws SyscallException {
    var groups = new ArrayList<Stopped.Group>();
    Map<Tid, Answerer> answerers = new HashMap<>();
    for (FrozenTree.Member member : tree.members()) {
      Answerer answerer = of(member.group());
      member.group().tasks().forEach(task -> answerers.put(task.tid(), answerer));
      groups.add(new Stopped.Group(new LiveFrozen(ptrace, member.group(), monotonicNs, answerer,
          proc -> kernel.vmas(proc, hugeToo)), member.parent()));
    }
    return new Stopped(groups, tree.zombies().stream()
        .map(zombie -> new Stopped.Zombie(zombie.tid(), zombie.parent())).toList(), new HiddenSockets(kernel),
        new HiddenTerminals(kernel), new HiddenAio(kernel), new HiddenRings(kernel, answerers));
  }

  /// To be called while the group is frozen.
  private Answerer of(FrozenGroup group) throws SyscallException {
    return new ErrandAnswerer(group, kernel.read(group.leader()), kernel.bits(), asleepSinceNs);
  }
}
