package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Self;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;

/// What all processes of the host have open, as it was just before a freeze: a description of the tree that one of them
/// holds too is no longer shared with it afterwards, and that is told. Pipes and sockets are not looked at here: their
/// kinds ask for themselves, and refuse.
final class Outsiders {
  private static final int KCMP_FILE = 0;
  /// Everybody has these, and there is nothing of them to share.
  private static final Set<String> DULL = Set.of("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random");

  private record Seat(Tid task, Fd fd) {}

  private final Proc proc;
  private final Map<String, List<Seat>> seats = new HashMap<>();

  private Outsiders(Proc proc) {
    this.proc = proc;
  }

  static Outsiders look(Proc proc) {
    var outsiders = new Outsiders(proc);
    try {
      proc.tgids().forEach(outsiders::add);
    } catch (ProcException e) {
      throw new IllegalStateException("/proc cannot be listed", e);
    }
    return outsiders;
  }

  /// A task that ends meanwhile, or hides its files, has none.
  private void add(Tid task) {
    try {
      for (Fd fd : proc.task(task).fds()) {
        String link = proc.task(task).link("fd/" + fd).latin1();
        if (!link.startsWith("pipe:") && !link.startsWith("socket:") && !DULL.contains(link)) {
          seats.computeIfAbsent(link, _ -> new ArrayList<>()).add(new Seat(task, fd));
        }
      }
    } catch (ProcException e) {
      // Gone, or not ours to look at.
    }
  }

  /// Who outside the tree has which of these descriptions open: `task 812 (bash)`. Each seat of theirs is looked for
  /// among those of ours that have its link, in kcmp(2)'s order.
  ///
  /// @param files of which the engine has copies
  Map<FileView, String> holders(List<FileView> files, Set<Tid> tree) {
    int self = Self.pid().value();
    Map<String, List<FileView>> byLink = new HashMap<>();
    files.forEach(file -> byLink.computeIfAbsent(file.link(), _ -> new ArrayList<>()).add(file));
    Map<FileView, String> holders = new HashMap<>();
    byLink.forEach((link, ours) -> {
      List<Seat> theirs = seats.getOrDefault(link, List.of()).stream()
          .filter(seat -> !tree.contains(seat.task()) && seat.task().value() != self).toList();
      if (!theirs.isEmpty()) {
        ours.sort((a, b) -> order(kcmp(self, fd(a), new Seat(new Tid(self), new Fd(fd(b))))));
        theirs.forEach(seat -> find(self, ours, seat).ifPresent(
            file -> holders.putIfAbsent(file, "task " + seat.task() + name(seat.task()))));
      }
    });
    return holders;
  }

  private static int fd(FileView file) {
    return file.copy().orElseThrow().fd();
  }

  private static Optional<FileView> find(int self, List<FileView> sorted, Seat seat) {
    int low = 0;
    int high = sorted.size() - 1;
    while (low <= high) {
      int middle = low + high >>> 1;
      switch ((int) kcmp(self, fd(sorted.get(middle)), seat)) {
        case 0 -> {
          return Optional.of(sorted.get(middle));
        }
        case 1 -> low = middle + 1;
        case 2 -> high = middle - 1;
        default -> {
          // It has ended, or closed that meanwhile.
          return Optional.empty();
        }
      }
    }
    return Optional.empty();
  }

  /// 0 equal, 1 ours less, 2 ours greater.
  private static long kcmp(int self, int fd, Seat seat) {
    return Syscalls.call(Nr.KCMP, self, seat.task().value(), KCMP_FILE, fd, seat.fd().value());
  }

  private static int order(long answer) {
    return answer == 0 ? 0 : answer == 1 ? -1 : 1;
  }

  private String name(Tid task) {
    try {
      return " (" + proc.task(task).status().name() + ")";
    } catch (ProcException e) {
      return "";
    }
  }
}
