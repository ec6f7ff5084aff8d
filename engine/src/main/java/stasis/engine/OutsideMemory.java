package stasis.engine;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Self;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.Vma;

/// Who outside the tree has memory of it mapped, or the pathless file below open by a description of its own: common
/// until the checkpoint, and two things afterwards. Costs a look at the maps of every task of the host, and nothing for
/// a tree without such memory.
final class OutsideMemory {
  private static final String DELETED = " (deleted)";

  private record Inode(Device device, long number) {}

  private final Proc proc;
  private final Set<Tid> tree;
  private final Map<Inode, TreeView.Body> wanted = new HashMap<>();
  private final Map<TreeView.Body, Tid> holders = new HashMap<>();

  private OutsideMemory(Proc proc, Set<Tid> tree) {
    this.proc = proc;
    this.tree = tree;
  }

  /// @param bodies whose contents are stored @param tree leaders of the tree
  /// @return a task outside for each body that one has
  static Map<TreeView.Body, Tid> holders(Proc proc, Set<Tid> tree, List<TreeView.Body> bodies) {
    var outside = new OutsideMemory(proc, tree);
    for (TreeView.Body body : bodies) {
      outside.wanted.put(new Inode(Device.ofStat(body.key().device()), body.key().inode()), body);
    }
    if (!outside.wanted.isEmpty()) {
      outside.look(bodies.stream().anyMatch(OutsideMemory::hasDescriptors));
    }
    return outside.holders;
  }

  /// Those of a file may all be outside.
  private static boolean hasDescriptors(TreeView.Body body) {
    return !body.files().isEmpty() || body.key().kind().equals("body.memfd") || body.key().kind().equals("body.deleted");
  }

  private void look(boolean filesToo) {
    int self = Self.pid().value();
    try {
      for (Tid task : proc.tgids()) {
        if (!tree.contains(task) && task.value() != self) {
          maps(task);
          if (filesToo) {
            files(task);
          }
        }
      }
    } catch (ProcException e) {
      throw new IllegalStateException("/proc cannot be listed", e);
    }
  }

  /// A private mapping is a copy already. A task that ends meanwhile, or hides its memory, has none.
  private void maps(Tid task) {
    try {
      for (Vma vma : proc.task(task).maps().vmas()) {
        if (vma.shared()) {
          found(new Inode(vma.device(), vma.inode()), task);
        }
      }
    } catch (ProcException e) {
      // Gone, or not ours to look at.
    }
  }

  private void files(Tid task) {
    try {
      for (Fd fd : proc.task(task).fds()) {
        String name = "fd/" + fd;
        String link = proc.task(task).link(name).latin1();
        if (link.endsWith(DELETED)) {
          FileStat stat = proc.task(task).linkStat(name);
          found(new Inode(stat.device(), stat.inode()), task);
        }
      }
    } catch (ProcException e) {
      // As above.
    }
  }

  private void found(Inode inode, Tid task) {
    TreeView.Body body = wanted.get(inode);
    if (body != null) {
      holders.putIfAbsent(body, task);
    }
  }
}
