package stasis.resource;

import java.util.List;
import java.util.Optional;

/// Facts about a thread that only the kernel's own memory shows.
///
/// @param ioPorts whether ioperm(2) or iopl(2) gave it ports @param undos its SEM_UNDO list (semop(2))
/// @param landlocked whether it is under Landlock; empty where that cannot be told
/// @param leadersNamespaces whether it shares all namespaces with its leader, the user namespace aside
/// @param ioSharers how many tasks have its I/O context (CLONE_IO of clone(2)); 0: it has none
public record HiddenThread(boolean ioPorts, Undos undos, boolean leadersNamespaces, Optional<Boolean> landlocked,
    int ioSharers) {
  /// What its end would add back to semaphores.
  ///
  /// @param sharers tasks that have this very list (CLONE_SYSVSEM): the last of them to end undoes it
  public record Undos(int sharers, List<Undo> sets) {
    public static final Undos NONE = new Undos(0, List.of());

    public Undos {
      sets = List.copyOf(sets);
    }
  }

  /// @param adjustments what is added to each semaphore of the set, from the first on; those past the set's last mean
  ///     nothing
  public record Undo(int set, List<Short> adjustments) {
    public Undo {
      adjustments = List.copyOf(adjustments);
    }
  }
}
