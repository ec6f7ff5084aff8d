package stasis.resource;

import java.util.List;
import stasis.image.ObjectId;
import stasis.image.Tag;

/// One task of the tree: who it is and what it shares. Its own object id is the record's.
///
/// @param pids its tid in each pid namespace it is in, outermost (the engine's) first
/// @param leader the thread group leader's task @param parent the parent's task, or its own when the parent is outside
/// @param mm @param files @param processGroup pgid and @param session sid, in the engine's pid namespace
/// @param exitSignal sent to the parent at its end
/// @param stopSignal of the group stop the thread group was found in (SIGSTOP and its like), 0 for none
/// @param stopTold whether the parent has waited for that stop
public record TaskState(@Tag(1) List<Integer> pids, @Tag(2) ObjectId leader, @Tag(3) ObjectId parent,
    @Tag(4) ObjectId mm, @Tag(5) ObjectId files, @Tag(6) int processGroup, @Tag(7) int session,
    @Tag(8) int exitSignal, @Tag(9) String comm, @Tag(10) int stopSignal,
    @Tag(11) boolean stopTold) {
  public TaskState {
    pids = List.copyOf(pids);
    if (pids.isEmpty()) {
      throw new IllegalArgumentException("a task has a pid");
    }
  }

  /// The pid in the innermost namespace: what the task itself sees.
  public int ownPid() {
    return pids.getLast();
  }
}
