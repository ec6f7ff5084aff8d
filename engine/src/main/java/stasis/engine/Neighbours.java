package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Self;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.resource.OpenFile;

/// Who else holds what a file is: other descriptions of the tree, and tasks outside.
final class Neighbours {
  /// Beginnings of links to what has another end.
  private static final List<String> SHARED = List.of("pipe:", "socket:", "/dev/pts/");

  private final Proc proc;
  private final Set<Tid> tree;
  private final Map<Inode, List<OpenFile>> files = new HashMap<>();
  private final Map<String, Tid> elsewhere = new HashMap<>();

  private record Inode(Device device, long number) {}

  private final Set<Long> sockets = new HashSet<>();
  /// Links of FIFOs and unlinked message queues.
  private final Set<String> others = new HashSet<>();
  private boolean looked;

  /// @param tree leaders of the tree
  Neighbours(Proc proc, Set<Tid> tree) {
    this.proc = proc;
    this.tree = Set.copyOf(tree);
  }

  void add(OpenFile file) {
    files.computeIfAbsent(inode(file), _ -> new ArrayList<>()).add(file);
    if (file.facts().type() == FileStat.S_IFSOCK) {
      sockets.add(file.facts().inode());
    } else if (file.facts().type() == FileStat.S_IFIFO || isUnlinkedQueue(file.link())) {
      others.add(file.link());
    }
  }

  /// A POSIX message queue has no path but its name.
  private static boolean isUnlinkedQueue(String link) {
    return link.lastIndexOf('/') == 0 && link.endsWith(" (deleted)");
  }

  List<OpenFile> onSameInode(OpenFile file) {
    return List.copyOf(files.getOrDefault(inode(file), List.of()));
  }

  private static Inode inode(OpenFile file) {
    return new Inode(file.facts().device(), file.facts().inode());
  }

  boolean hasSocket(long inode) {
    return sockets.contains(inode);
  }

  /// The first question costs a look at every task of the host, later ones nothing.
  boolean isHeldElsewhere(String link) {
    return holder(link).isPresent();
  }

  Optional<Tid> holder(String link) {
    if (!looked) {
      look();
      looked = true;
    }
    return Optional.ofNullable(elsewhere.get(link));
  }

  /// `task 812 (dbus-daemon)`.
  String name(Tid task) {
    try {
      return "task " + task + " (" + proc.task(task).status().name() + ")";
    } catch (ProcException e) {
      return "task " + task;
    }
  }

  private void look() {
    int self = Self.pid().value();
    try {
      for (Tid task : proc.tgids()) {
        if (!tree.contains(task) && task.value() != self) {
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
    fds.forEach(fd -> link(task, fd)
        .filter(link -> SHARED.stream().anyMatch(link::startsWith) || others.contains(link))
        .ifPresent(link -> elsewhere.putIfAbsent(link, task)));
  }

  private Optional<String> link(Tid task, Fd fd) {
    try {
      return Optional.of(proc.task(task).link("fd/" + fd).latin1());
    } catch (ProcException e) {
      return Optional.empty();
    }
  }
}
