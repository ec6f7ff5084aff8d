package stasis.engine;

import java.nio.file.Path;
import java.util.List;
import stasis.image.LossRow;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.tracee.stub.PidTakenException;
import stasis.tracee.stub.Stub;

/// How the first task of a tree is made: here, or in namespaces of its own for a user who may not choose pids.
interface Births {
  /// @param pids outermost first @param region start of the hole @param image file to have open as `imageFd`
  Stub root(List<Integer> pids, RemoteAddress region, long regionBytes, Path image, int imageFd)
      throws SyscallException, StepFailedException, PidTakenException;

  /// The pids to ask clone3(2) for, outermost first: those of the namespaces the tasks are born into.
  List<Integer> setTid(List<Integer> pids);

  /// Whether numbers cannot be asked for and each is waited for instead; then [#setTid] is empty.
  default boolean inTurn() {
    return false;
  }

  /// Waits until it is the turn of that number, almost.
  ///
  /// @param walker a stub of the tree
  /// @return how many numbers the birth is to pass over, if nobody else makes a task meanwhile
  default int awaitTurn(Stub walker, int pid) throws SyscallException {
    return 0;
  }

  /// Called when all is in place, before the first task goes on.
  default void beforeRelease(Stub root, int pid) throws SyscallException {}

  /// What of it the user should know; to be asked once the root is born.
  default List<LossRow> told() {
    return List.of();
  }

  /// The child of the engine whose end tells the program's exit status: the root, where no namespace stands between.
  default Tid waitable(Stub root) {
    return root.tid();
  }

  /// Ends what was made beside the root, unless the root was released.
  default void close() throws SyscallException {}
}
