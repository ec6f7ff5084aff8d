package stasis.linux.bpf;

import java.util.List;

/// What exit would add back to a System V semaphore set for a task that used SEM_UNDO (semop(2)).
///
/// The kernel keeps no length here, so `shown` runs on past the set's last semaphore with bytes that mean nothing: take
/// [#adjustments] with the set's own size.
///
/// @param semId id of the set in the task's ipc namespace
public record SemUndo(int semId, List<Short> shown) {
  /// Semaphores of a set that are shown.
  public static final int SHOWN_MAX = 500;

  public SemUndo {
    shown = List.copyOf(shown);
  }

  /// One adjustment per semaphore of the set.
  ///
  /// @param semaphores `sem_nsems` of the set, from semctl(2) IPC_STAT
  /// @throws IllegalArgumentException if the set is larger than [#SHOWN_MAX]
  public List<Short> adjustments(int semaphores) {
    if (semaphores < 0 || semaphores > shown.size()) {
      throw new IllegalArgumentException("semaphore set " + semId + " has " + semaphores
          + " semaphores; adjustments are read for " + shown.size());
    }
    return shown.subList(0, semaphores);
  }
}
