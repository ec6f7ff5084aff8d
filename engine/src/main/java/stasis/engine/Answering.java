package stasis.engine;

import java.util.HashMap;
import java.util.Map;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.tracee.FrozenGroup;

/// What was learnt of a group just before its freeze, and the way to answers during it.
final class Answering {
  private final HiddenKernel kernel;
  private final Map<Tid, Long> asleepSinceNs;

  private Answering(HiddenKernel kernel, Map<Tid, Long> asleepSinceNs) {
    this.kernel = kernel;
    this.asleepSinceNs = asleepSinceNs;
  }

  /// When each thread last ran is read now: the freeze itself wakes them.
  ///
  /// @param kernel stays open as long as this is used
  static Answering open(Environment environment, Tid root, HiddenKernel kernel) {
    Map<Tid, Long> since = new HashMap<>();
    ProcTask task = environment.proc().task(root);
    try {
      for (Tid thread : task.threads()) {
        task.thread(thread).sched().execStartNs().ifPresent(ns -> since.put(thread, ns));
      }
    } catch (ProcException e) {
      since.clear();
    }
    return new Answering(kernel, since);
  }

  /// To be called while the group is frozen.
  Answerer of(FrozenGroup group) throws SyscallException {
    return new ErrandAnswerer(group, kernel.read(group.leader()), kernel.bits(), asleepSinceNs);
  }
}
