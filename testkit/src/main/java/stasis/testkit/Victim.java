package stasis.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;

/// A program started by [Launcher], seen from outside: its labels, its verdict, its life. Stays good across a restore,
/// because it knows the program by its folder and its original pid.
///
/// Programs that do not keep the contract of `victim.h` have no labels and no verdict; the rest holds for them too.
public final class Victim implements AutoCloseable {
  private static final int SIGUSR1 = 10;
  private final Launcher launcher;
  private final Tid pid;
  private final Path folder;

  /// What became of it.
  public sealed interface Verdict {
    /// It checked itself and said so.
    record Passed() implements Verdict {}

    /// A check failed; the reason is the line after `FAIL `.
    record Failed(String reason) implements Verdict {}

    /// It ended without a word, as a signal does it. `lines` is all it had said.
    record Vanished(List<String> lines) implements Verdict {
      public Vanished {
        lines = List.copyOf(lines);
      }
    }

    /// It still runs, or stands.
    record Pending(List<String> lines) implements Verdict {
      public Pending {
        lines = List.copyOf(lines);
      }
    }
  }

  Victim(Launcher launcher, Tid pid, Path folder) {
    this.launcher = launcher;
    this.pid = pid;
    this.folder = folder;
  }

  public Tid pid() {
    return pid;
  }

  /// Its working directory, with `status`, `out`, `err` and the go files.
  public Path folder() {
    return folder;
  }

  public ProcTask task() {
    return Proc.live().task(pid);
  }

  /// What it printed to stdout so far.
  public String output() {
    return read("out");
  }

  public String errors() {
    return read("err");
  }

  /// The lines of `status` that are complete.
  public List<String> lines() {
    String text = read("status");
    return text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
  }

  private String read(String name) {
    try {
      Path file = folder.resolve(name);
      return Files.exists(file) ? Files.readString(file, StandardCharsets.ISO_8859_1) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// Waits for a label.
  ///
  /// @throws AssertionError if it ends or fails before, or the time is over
  public void awaitReady(String label, Duration bound) {
    Poll poll = new Poll(bound);
    while (readyLine(label).isEmpty()) {
      boolean ended = !isAlive();
      if (readyLine(label).isEmpty() && (ended || failure().isPresent() || !poll.again())) {
        throw new AssertionError("victim " + folder.getFileName() + " did not get to '" + label + "': " + lines()
            + " stderr: " + errors());
      }
    }
  }

  /// Waits for the label after this one.
  ///
  /// @return it, or nothing if the victim ended
  public List<String> awaitNext(String label, Duration bound) {
    Poll poll = new Poll(bound);
    while (true) {
      boolean ended = !isAlive();
      List<String> labels = labels();
      int at = labels.indexOf(label) + 1;
      if (at < labels.size()) {
        return List.of(labels.get(at));
      }
      if (ended) {
        return List.of();
      }
      if (!poll.again()) {
        throw new AssertionError("victim " + folder.getFileName() + " stays after '" + label + "': " + lines());
      }
    }
  }

  /// The labels it came to, in order.
  public List<String> labels() {
    return lines().stream().filter(line -> line.startsWith("READY ")).map(line -> line.split(" ")[1]).toList();
  }

  private Optional<String> readyLine(String label) {
    return lines().stream().filter(line -> line.startsWith("READY " + label + " ")).findFirst();
  }

  /// Waits until every thread sleeps (state S), as it does a moment after a label, and so is inside its wait.
  public void awaitAsleep(Duration bound) {
    Poll poll = new Poll(bound);
    while (!isAsleep()) {
      if (!poll.again()) {
        throw new AssertionError("victim " + folder.getFileName() + " does not come to rest");
      }
    }
  }

  private boolean isAsleep() {
    try {
      for (Tid thread : task().threads()) {
        if (task().thread(thread).stat().state() != 'S') {
          return false;
        }
      }
      return true;
    } catch (ProcException e) {
      throw new AssertionError("victim " + folder.getFileName() + " ended: " + lines(), e);
    }
  }

  /// Lets it go on from a label, in the way it asked for.
  public void go(String label) {
    String line = readyLine(label).orElseThrow(() -> new AssertionError("not at '" + label + "': " + lines()));
    try {
      Path go = folder.resolve("go." + label);
      if (!Files.exists(go)) {
        Files.createFile(go);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (line.endsWith(" signal")) {
      Syscalls.call(Nr.KILL, pid.value(), SIGUSR1);
    }
  }

  /// Waits for its end or its verdict, whichever comes first.
  public Verdict verdict(Duration bound) {
    Poll poll = new Poll(bound);
    while (true) {
      boolean ended = !isAlive();
      Optional<String> failure = failure();
      if (failure.isPresent()) {
        return new Verdict.Failed(failure.get());
      }
      if (ended) {
        return lines().contains("PASS") ? new Verdict.Passed() : new Verdict.Vanished(lines());
      }
      if (!poll.again()) {
        return new Verdict.Pending(lines());
      }
    }
  }

  /// Says go at every label as it comes, without checkpointing: the control run, and the way to the end.
  public Verdict runThrough(Duration bound) {
    Poll poll = new Poll(bound);
    while (true) {
      labels().stream().distinct().filter(label -> !Files.exists(folder.resolve("go." + label))).forEach(this::go);
      Verdict verdict = verdict(Duration.ZERO);
      if (!(verdict instanceof Verdict.Pending) || !poll.again()) {
        return verdict;
      }
    }
  }

  private Optional<String> failure() {
    return lines().stream().filter(line -> line.startsWith("FAIL ")).map(line -> line.substring(5)).findFirst();
  }

  /// Whether a task of this pid is there that is this program and no zombie.
  public boolean isAlive() {
    return launcher.isOf(folder, pid);
  }

  /// How the program ended as its first parent saw it: `exited 0`, `killed 9`. Killed by a checkpoint, it is that; the
  /// end of what was restored is its restorer's to see.
  public Optional<String> exit() {
    String text = read("exit");
    return text.isEmpty() ? Optional.empty() : Optional.of(text.strip());
  }

  /// Waits until the pid names no task, not even a zombie: then it can be given to a restored one.
  public void awaitPidFree(Duration bound) {
    Poll poll = new Poll(bound);
    while (Files.exists(Path.of("/proc/" + pid))) {
      if (!poll.again()) {
        throw new AssertionError("pid " + pid + " is not free");
      }
    }
  }

  /// The states of all its threads, e.g. `SSR`; a `T` or `t` is a task left stopped.
  public String threadStates() throws ProcException {
    var states = new StringBuilder();
    for (Tid thread : task().threads()) {
      states.append(task().thread(thread).stat().state());
    }
    return states.toString();
  }

  /// Ends it and all it made, and waits until the pid is free.
  @Override
  public void close() {
    launcher.kill(folder);
  }
}
