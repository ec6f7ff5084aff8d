package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import stasis.linux.abi.Tid;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.procfs.Status;
import stasis.testkit.Victim;

/// What must hold around a victim whatever happened to the engine.
final class Ground {
  private static final int SIGKILL = 9;
  /// Field of /proc/PID/stat, and of it PF_EXITING and PF_SIGNALED (include/linux/sched.h).
  private static final int FLAGS = 9;
  private static final long DYING = 0x4 | 0x400;
  /// Somebody else makes and removes cgroups meanwhile: another sweep, other tests.
  private static final boolean CROWDED = Boolean.getBoolean("stasis.live.crowded");
  private static final Duration SETTLES = Duration.ofSeconds(10);

  private Ground() {}

  /// It runs as before: nothing of it stopped or traced.
  static void isUntouched(Cycle cycle, Victim victim, Path before) {
    assertThat(waitFor(() -> stopped(victim).isEmpty())).as(() -> "left: " + stopped(victim)).isTrue();
    assertThat(victim.isAlive()).as("alive: %s %s", victim.lines(), victim.errors()).isTrue();
    // Who is let go shows its stop until it has a CPU again.
    if (!waitFor(() -> cycle.oracle().compare(before, cycle.oracle().snapshot(victim.pid())).agrees())) {
      cycle.agree(before, cycle.oracle().snapshot(victim.pid()));
    }
  }

  private static List<String> stopped(Victim victim) {
    return stopped(victim.pid());
  }

  /// Threads of a process that stand, have a tracer, or are about to die.
  static List<String> stopped(Tid pid) {
    ProcTask process = Proc.live().task(pid);
    try {
      return process.threads().stream().map(tid -> thread(process, tid)).filter(text -> !text.isEmpty()).toList();
    } catch (ProcException e) {
      return List.of();
    }
  }

  /// Its threads: their names, states and signals, and the system call each is in.
  static List<String> whereIs(Tid pid) {
    try (Stream<Path> threads = Files.list(Path.of("/proc/" + pid + "/task"))) {
      var lines = new java.util.ArrayList<String>();
      for (Path thread : threads.toList()) {
        String status = Files.readAllLines(thread.resolve("status")).stream()
            .filter(line -> line.matches("(Name|State|SigPnd|ShdPnd|SigBlk|TracerPid):.*"))
            .map(line -> line.replaceAll("\\s+", " ")).collect(Collectors.joining(", "));
        lines.add(thread.getFileName() + ": " + status + ", in " + Files.readString(thread.resolve("syscall")).strip()
            + " " + Files.readString(thread.resolve("wchan")).strip());
      }
      return lines;
    } catch (IOException | UncheckedIOException e) {
      return List.of(pid + ": " + e);
    }
  }

  private static String thread(ProcTask process, Tid tid) {
    try {
      Status status = process.thread(tid).status();
      boolean stands = status.state() == 'T' || status.state() == 't' || status.tracerPid() != 0
          || status.pending().contains(SIGKILL) || (process.thread(tid).stat().field(FLAGS) & DYING) != 0;
      return stands ? tid + " in state " + status.state() + " traced by " + status.tracerPid() : "";
    } catch (ProcException e) {
      return "";
    }
  }

  /// The thread groups of this user's whole machine that are children of this JVM, of `parent` or of init and were not
  /// there before.
  static Set<Tid> groups() {
    try {
      return new HashSet<>(Proc.live().tgids());
    } catch (ProcException e) {
      throw new IllegalStateException("there is no /proc", e);
    }
  }

  /// No living process of this test but these.
  static void onlyTasks(Cycle cycle, Set<Tid> allowed) {
    assertThat(waitFor(() -> allowed.containsAll(cycle.tasks()))).as(() -> "left behind: " + cycle.tasks().stream()
        .filter(tid -> !allowed.contains(tid)).map(Object::toString).collect(Collectors.joining(" "))).isTrue();
  }

  /// Children of this JVM that it did not have: stubs, keepers, first tasks of namespaces.
  static void noNewChildren(Set<Long> before) {
    assertThat(waitFor(() -> before.containsAll(children()))).as(() -> "new children: " + children()).isTrue();
  }

  /// Children of this JVM, zombies too.
  static Set<Long> children() {
    try (Stream<Path> tasks = Files.list(Path.of("/proc/self/task"))) {
      Set<Long> all = new HashSet<>();
      for (Path task : tasks.toList()) {
        try {
          for (String pid : Files.readString(task.resolve("children")).strip().split(" ")) {
            if (!pid.isEmpty()) {
              all.add(Long.parseLong(pid));
            }
          }
        } catch (IOException _) {
          // A thread that has just ended has no children.
        }
      }
      return all;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static boolean waitFor(BooleanSupplier condition) {
    long end = System.nanoTime() + SETTLES.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        return false;
      }
      java.util.concurrent.locks.LockSupport.parkNanos(2_000_000);
    }
    return true;
  }

  /// What an engine could leave on a machine besides tasks of the program: processes of its own, mounts, cgroups.
  record Stray(Set<String> processes, long mounts, Set<Path> cgroups) {
    static Stray now() {
      try (Stream<String> mounts = Files.lines(Path.of("/proc/self/mountinfo"));
          Stream<Path> cgroups = Files.walk(Path.of("/sys/fs/cgroup"), 3)) {
        return new Stray(ours(), mounts.count(), CROWDED ? Set.of()
            : cgroups.filter(Files::isDirectory).collect(Collectors.toSet()));
      } catch (IOException | UncheckedIOException e) {
        return new Stray(ours(), 0, Set.of());
      }
    }

    /// Who else uses this machine has its own made and removed meanwhile, with processes that are not of this JVM.
    private static boolean foreign(Path cgroup) {
      Set<String> own = Stream.concat(Stream.of(ProcessHandle.current()), ProcessHandle.current().descendants())
          .map(process -> Long.toString(process.pid())).collect(Collectors.toSet());
      try {
        return Files.readAllLines(cgroup.resolve("cgroup.procs")).stream().anyMatch(pid -> !own.contains(pid));
      } catch (IOException e) {
        return true; // gone
      }
    }

    private List<Path> newCgroups() {
      return now().cgroups().stream().filter(path -> !cgroups.contains(path) && !foreign(path)).toList();
    }

    /// Of this JVM, or orphans.
    private static Set<String> ours() {
      return groups().stream().flatMap(pid -> ours(pid).stream()).collect(Collectors.toSet());
    }

    /// Its pid and name; an orphan that has ended is init's to bury.
    private static Optional<String> ours(Tid pid) {
      try {
        Status status = Proc.live().task(pid).status();
        boolean ours = status.ppid() == ProcessHandle.current().pid() || status.ppid() == 1 && status.state() != 'Z';
        return ours && status.name().startsWith("stasis-") ? Optional.of(pid + " " + status.name()) : Optional.empty();
      } catch (ProcException e) {
        return Optional.empty();
      }
    }

    /// Nothing but what was there.
    void isAsItWas() {
      assertThat(waitFor(() -> processes.containsAll(ours()))).as(() -> "processes of an engine: " + ours()).isTrue();
      assertThat(waitFor(() -> now().mounts() <= mounts)).as("as many mounts as before").isTrue();
      assertThat(waitFor(() -> newCgroups().isEmpty())).as(() -> "new cgroups: " + newCgroups()).isTrue();
    }
  }
}
