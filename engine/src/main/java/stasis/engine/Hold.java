package stasis.engine;

import java.util.List;
import stasis.linux.abi.SyscallException;
import stasis.procfs.Proc;
import stasis.tracee.FrozenTree;
import stasis.tracee.Ptrace;

/// The engine's hold on a frozen tree: lets go once, or ends it.
final class Hold implements AutoCloseable {
  private final Ptrace ptrace;
  private final FrozenTree tree;
  private boolean held = true;

  Hold(Ptrace ptrace, FrozenTree tree) {
    this.ptrace = ptrace;
    this.tree = tree;
  }

  FrozenTree tree() {
    return tree;
  }

  /// Whether it has neither been let go nor ended by us.
  boolean isHeld() {
    return held;
  }

  @Override
  public void close() {
    if (held) {
      held = false;
      tree.close();
    }
  }

  /// Ends every task of the tree; see [TreeEnd].
  ///
  /// @param warnings gets one for each pid that is not free when this returns @param letGo when all have ended
  void kill(Proc proc, List<String> warnings, Moment.Listener listener, Runnable letGo) throws SyscallException {
    try (TreeEnd end = TreeEnd.prepare(ptrace, tree, proc, listener)) {
      held = false;
      end.run(warnings, letGo);
    }
  }
}
