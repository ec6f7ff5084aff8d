package stasis.engine;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Tid;
import stasis.procfs.FileStat;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.resource.OpenFile;

/// Who else holds what a file is: other descriptions of the tree, and tasks outside.
final class Neighbours {
  private final Proc proc;
  private final Set<Integer> tree;
  private final List<OpenFile> files = new ArrayList<>();
  private final Set<String> elsewhere = new HashSet<>();
  private final Set<Long> sockets = new HashSet<>();
  private boolean looked;

  /// @param tree thread group ids of the tree
  Neighbours(Proc proc, Set<Integer> tree) {
    this.proc = proc;
    this.tree = Set.copyOf(tree);
  }

  void add(OpenFile file) {
    files.add(file);
    if (file.facts().type() == FileStat.S_IFSOCK) {
      sockets.add(file.facts().inode());
    }
  }

  List<OpenFile> onSameInode(OpenFile file) {
    return files.stream().filter(other -> other.facts().inode() == file.facts().inode()
        && other.facts().device().equals(file.facts().device())).toList();
  }

  boolean hasSocket(long inode) {
    return sockets.contains(inode);
  }

  /// The first question costs a look at every task of the host, later ones nothing.
  boolean isHeldElsewhere(String link) {
    if (!looked) {
      look();
      looked = true;
    }
    return elsewhere.contains(link);
  }

  private void look() {
    int self = Math.toIntExact(ProcessHandle.current().pid());
    try {
      for (Tid task : proc.tgids()) {
        if (!tree.contains(task.value()) && task.value() != self) {
          links(task);
        }
      }
    } catch (ProcException e) {
      throw new IllegalStateException("/proc cannot be listed", e);
    }
  }

  /// A task that ends meanwhile, or hides its files, holds none.
  private void links(Tid task) {
    List<Fd> fds;
    try {
      fds = proc.task(task).fds();
    } catch (ProcException e) {
      return;
    }
    fds.forEach(fd -> link(task, fd).filter(link -> link.startsWith("pipe:") || link.startsWith("socket:"))
        .ifPresent(elsewhere::add));
  }

  private Optional<String> link(Tid task, Fd fd) {
    try {
      return Optional.of(proc.task(task).link("fd/" + fd).latin1());
    } catch (ProcException e) {
      return Optional.empty();
    }
  }
}
