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

  /// Who outside the tree has this very description open: `task 812 (bash)`.
  ///
  /// @param copy the engine's own
  Optional<String> holder(OwnCopy copy, String link, Set<Tid> tree) {
    long self = ProcessHandle.current().pid();
    for (Seat seat : seats.getOrDefault(link, List.of())) {
      if (!tree.contains(seat.task()) && seat.task().value() != self
          && Syscalls.call(Nr.KCMP, self, seat.task().value(), KCMP_FILE, copy.fd(), seat.fd().value()) == 0) {
        return Optional.of("task " + seat.task() + name(seat.task()));
      }
    }
    return Optional.empty();
  }

  private String name(Tid task) {
    try {
      return " (" + proc.task(task).status().name() + ")";
    } catch (ProcException e) {
      return "";
    }
  }
}
