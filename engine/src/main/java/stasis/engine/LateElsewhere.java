package stasis.engine;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import stasis.linux.abi.Tid;
import stasis.resource.ObstructedException;
import stasis.tracee.stub.ServerGuard;

/// A tree whose pages still come in after a lazy restore, from a server that is none of it. What it lacks nobody can
/// see from outside, so a checkpoint waits.
final class LateElsewhere {
  private static final long BOUND_NS = 120_000_000_000L;
  private static final long PAUSE_NS = 20_000_000;
  private static final String USERFAULTFD = "anon_inode:[userfaultfd]";

  private LateElsewhere() {}

  /// Waits until the tree has all its pages.
  ///
  /// @return false when it lacked none, serves itself, or still lacks some when time is over
  static boolean awaitFilled(Tid root, LongSupplier monotonicNs, Moment.Listener listener) {
    if (!isServed(root)) {
      return false;
    }
    for (long end = monotonicNs.getAsLong() + BOUND_NS; monotonicNs.getAsLong() < end;) {
      listener.at(new Moment.At("checkpoint.await-late-pages"));
      LockSupport.parkNanos(PAUSE_NS);
      if (!isServed(root)) {
        return true;
      }
    }
    return false;
  }

  static boolean isServed(Tid root) {
    Set<Integer> tree = new HashSet<>();
    add(root.value(), tree);
    return tree.stream().anyMatch(ServedProcesses::misses)
        && (tree.stream().noneMatch(LateElsewhere::serves) || isGuarded(tree));
  }

  /// Whether a server of pages has told its guard of one of these processes: they lack pages then, whatever
  /// userfaultfds they have themselves.
  static boolean isGuarded(Set<Integer> tree) {
    try (DirectoryStream<Path> processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      for (Path process : processes) {
        if (read(process.resolve("comm")).strip().equals(ServerGuard.NAME) && knows(process, tree)) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      return false;
    }
  }

  /// By its pidfds: `Pid:` of proc_pid_fdinfo(5).
  private static boolean knows(Path guard, Set<Integer> tree) {
    try (DirectoryStream<Path> fds = Files.newDirectoryStream(guard.resolve("fdinfo"))) {
      for (Path fd : fds) {
        if (read(fd).lines().filter(line -> line.startsWith("Pid:"))
            .anyMatch(line -> tree.contains(Integer.parseInt(line.substring(4).strip())))) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      return false;
    }
  }

  /// Empty for what is gone.
  private static String read(Path file) {
    try {
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }

  /// A tree with userfaultfds of its own tells nobody whose pages are missing.
  ///
  /// @throws ObstructedException where a server puts pages into it
  static void refuse(Capture capture) throws ObstructedException {
    boolean own = capture.items().values().stream().anyMatch(item -> item.kind().schema().name().equals("file.userfault"));
    Set<Integer> tree = capture.leaders().stream().map(leader -> leader.getValue().pids().getFirst())
        .collect(Collectors.toSet());
    if (own && isGuarded(tree)) {
      throw new ObstructedException("memory", "its pages still come in from a server (restore --lazy), and it has a"
          + " userfaultfd of its own: which pages are missing to whom cannot be told", "wait until they are all in");
    }
  }

  private static void add(int pid, Set<Integer> tree) {
    if (tree.add(pid)) {
      List<Integer> children = ServedProcesses.children(pid);
      children.forEach(child -> add(child, tree));
    }
  }

  /// Whether it has a userfaultfd of its own.
  private static boolean serves(int pid) {
    try (DirectoryStream<Path> fds = Files.newDirectoryStream(Path.of("/proc/" + pid + "/fd"))) {
      for (Path fd : fds) {
        if (target(fd).equals(USERFAULTFD)) {
          return true;
        }
      }
      return false;
    } catch (IOException e) {
      return false;
    }
  }

  private static String target(Path fd) {
    try {
      return Files.readSymbolicLink(fd).toString();
    } catch (IOException e) {
      return "";
    }
  }
}
