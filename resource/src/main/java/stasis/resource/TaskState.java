package stasis.resource;

import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.image.Tag;
import stasis.linux.abi.SigSet;

/// One task of the tree: who it is and what it shares. Its own object id is the record's.
///
/// @param pids its tid in each pid namespace it is in, outermost (the engine's) first
/// @param leader the thread group leader's task @param parent the parent's task, or its own when the parent is outside
/// @param mm @param files what tasks share has one id
/// @param processGroup pgid and @param session sid, in the engine's pid namespace
/// @param exitSignal sent to the parent at its end
/// @param stopSignal of the group stop the thread group was found in (SIGSTOP and its like), 0 for none
/// @param stopTold whether the parent has waited for that stop
/// @param fs the first thread group of the tree whose working directory, root and umask are this one's too, if another
/// @param handlers the first whose actions of signals are
/// @param ended of a leader that has, before its threads
public record TaskState(@Tag(1) List<Integer> pids, @Tag(2) ObjectId leader, @Tag(3) ObjectId parent,
    @Tag(4) ObjectId mm, @Tag(5) ObjectId files, @Tag(6) int processGroup, @Tag(7) int session,
    @Tag(8) int exitSignal, @Tag(9) String comm, @Tag(10) int stopSignal,
    @Tag(11) boolean stopTold, @Tag(12) Optional<ObjectId> fs, @Tag(13) Optional<ObjectId> handlers,
    @Tag(14) Optional<Ended> ended) {
  /// @param status what wait(2) would give of it alone @param blocked signals, as /proc still shows them
  public record Ended(@Tag(1) int status, @Tag(2) SigSet blocked) {}

  public TaskState {
    pids = List.copyOf(pids);
    if (pids.isEmpty()) {
      throw new IllegalArgumentException("a task has a pid");
    }
  }

  /// One that shares neither working directory nor signal handlers.
  public TaskState(List<Integer> pids, ObjectId leader, ObjectId parent, ObjectId mm, ObjectId files, int processGroup,
      int session, int exitSignal, String comm, int stopSignal, boolean stopTold) {
    this(pids, leader, parent, mm, files, processGroup, session, exitSignal, comm, stopSignal, stopTold,
        Optional.empty(), Optional.empty(), Optional.empty());
  }

  /// The pid in the innermost namespace: what the task itself sees.
  public int ownPid() {
    return pids.getLast();
  }
}
