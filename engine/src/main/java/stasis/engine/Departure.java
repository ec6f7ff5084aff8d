package stasis.engine;

import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Collectors;
import stasis.image.ObjectId;
import stasis.linux.abi.Errno;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.tracee.Ptrace;
import stasis.tracee.stub.Stub;

/// Restored tasks begin to run, all or none of them ([AllOrNone]). Each is stopped in the kernel's get_signal() with the
/// registers and the mask of the checkpoint.
final class Departure {
  private final Ptrace ptrace;
  private final SequencedMap<ObjectId, Stub> stubs;
  private final Capture capture;

  /// @param stubs of all groups, also of leaders that have ended
  Departure(Ptrace ptrace, SequencedMap<ObjectId, Stub> stubs, Capture capture) {
    this.ptrace = ptrace;
    this.stubs = stubs;
    this.capture = capture;
  }

  /// @param tasks that run @param continues whether a SIGCONT waits for one of them, which a SIGSTOP would take away:
  ///     several processes are let go task by task then
  void run(Set<ObjectId> tasks, boolean continues) throws SyscallException {
    if (tasks.size() == 1) {
      letGo(tasks, Set.of(), false);
      return;
    }
    if (capture.leaders().size() == 1) {
      oneProcess(tasks);
      return;
    }
    if (continues) {
      letGo(tasks, Set.of(), false);
      return;
    }
    Set<ObjectId> standing = capture.leaders().stream().filter(leader -> leader.getValue().stopSignal() != 0)
        .map(Map.Entry::getKey).collect(Collectors.toCollection(HashSet::new));
    List<Tid> processes = capture.leaders().stream().map(leader -> tid(leader.getKey())).toList();
    Set<Tid> stopped = standing.stream().map(this::tid).collect(Collectors.toSet());
    Set<ObjectId> moving = tasks.stream()
        .filter(task -> !standing.contains(GroupPlan.require(capture.tasks(), task).leader()))
        .collect(Collectors.toSet());
    try (AllOrNone all = AllOrNone.over(processes, stopped, AllOrNone.Fate.END, AllOrNone.Fate.RUN)) {
      for (ObjectId task : moving) {
        AllOrNone.stop(tid(task));
      }
      for (ObjectId task : tasks) {
        ptrace.setOptions(tid(task), 0);
      }
      all.commit();
      if (!allGone(tasks, moving)) {
        all.leave();
      }
    }
  }

  /// Where we die the kernel comes to the newest thread first, and where that one has PTRACE_O_EXITKILL all of the process
  /// are killed there, before any of them is let go (kernel/ptrace.c, `exit_ptrace()` and `__ptrace_link()`). So that one
  /// loses it as the last, and from then on our death lets all of them go.
  private void oneProcess(Set<ObjectId> tasks) throws SyscallException {
    for (ObjectId task : stubs.sequencedKeySet()) {
      if (tasks.contains(task)) {
        ptrace.setOptions(tid(task), 0);
      }
    }
    allGone(tasks, Set.of());
  }

  /// Nothing stops it any more: who cannot be asked to take our stop off the queue is let go with it.
  ///
  /// @return whether none was
  private boolean allGone(Set<ObjectId> tasks, Set<ObjectId> stopping) {
    boolean all = true;
    for (ObjectId task : tasks) {
      try {
        letGo(Set.of(task), stopping, true);
      } catch (SyscallException e) {
        ptrace.release(tid(task));
        all = false;
      }
    }
    return all;
  }

  private Tid tid(ObjectId task) {
    return GroupPlan.require(stubs, task).tid();
  }

  /// @param stopping those for whom a SIGSTOP of ours waits @param others whether others may run already
  private void letGo(Set<ObjectId> tasks, Set<ObjectId> stopping, boolean others) throws SyscallException {
    boolean runs = others;
    for (ObjectId task : tasks) {
      Stub stub = GroupPlan.require(stubs, task);
      try {
        if (!stopping.contains(task) || AllOrNone.comesToStop(ptrace, stub.tid(), true)) {
          stub.release();
        }
      } catch (SyscallException e) {
        // A part of the program runs already: its execve(2), exit or signal may have ended this one, as it should be.
        if (!runs || e.errno() != Errno.ESRCH) {
          throw e;
        }
      }
      runs = true;
    }
  }
}
