package stasis.engine;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.bpf.HiddenGroup;
import stasis.linux.bpf.HiddenState;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.tracee.FrozenGroup;

/// Prepares, before the freeze, whatever makes answers cheap and exact during it.
final class Answering implements AutoCloseable {
  private final HiddenState.Opened hidden;
  private final Map<Tid, Long> asleepSinceNs;

  private Answering(HiddenState.Opened hidden, Map<Tid, Long> asleepSinceNs) {
    this.hidden = hidden;
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
    return new Answering(HiddenState.open(), since);
  }

  /// To be called while the group is frozen.
  Answerer of(FrozenGroup group) throws SyscallException {
    Optional<HiddenGroup> seen = hidden instanceof HiddenState.Opened.Ready(var state) ? state.read(group.leader())
        : Optional.empty();
    return new ErrandAnswerer(group, seen, asleepSinceNs);
  }

  /// Why the kernel's own fields are not read here; empty where they are.
  Optional<String> withoutHiddenState() {
    return hidden instanceof HiddenState.Opened.Unavailable(String reason) ? Optional.of(reason) : Optional.empty();
  }

  @Override
  public void close() {
    if (hidden instanceof HiddenState.Opened.Ready(var state)) {
      state.close();
    }
  }
}
