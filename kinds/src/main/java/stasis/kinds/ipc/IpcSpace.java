package stasis.kinds.ipc;

import stasis.resource.FrozenGroup;
import stasis.resource.ObstructedException;

/// Whether the tree is in an IPC namespace (ipc_namespaces(7)) that is not the engine's. Such a one ends with the tree, and
/// everything in it; it is made anew, and is empty then.
public final class IpcSpace {
  private IpcSpace() {}

  public static boolean isApart(FrozenGroup group) throws ObstructedException {
    FrozenGroup root = group.tree().getFirst();
    return !root.leader().link("ns/ipc").equals(root.engineNamespace("ipc"));
  }
}
