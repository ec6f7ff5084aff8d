package stasis.engine;

import java.util.HashMap;
import java.util.Map;
import stasis.linux.abi.Tid;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.tracee.FrozenGroup;

/// Prepares, before the freeze, whatever makes answers cheap and exact during it.
final class Answering implements AutoCloseable {
  private final Map<Tid, Long> asleepSinceNs;

  private Answering(Map<Tid, Long> asleepSinceNs) {
    this.asleepSinceNs = asleepSinceNs;
  }

  /// When each thread last ran is read now: the freeze itself wakes them.
  static Answering open(Environment environment, Tid root) {
    Map<Tid, Long> since = new HashMap<>();
    ProcTask task = environment.proc().task(root);
    try {
      for (Tid thread : task.threads()) {
        task.thread(thread).sched().execStartNs().ifPresent(ns -> since.put(thread, ns));
      }
    } catch (ProcException e) {
      since.clear();
    }
    return new Answering(since);
  }

  Answerer of(FrozenGroup group) {
    return new ErrandAnswerer(group, asleepSinceNs);
  }

  @Override
  public void close() {}
}
