package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import stasis.engine.Acceptance;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointReport;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.Environment;
import stasis.engine.FilePolicy;
import stasis.engine.LiveEnvironment;
import stasis.engine.Moment;
import stasis.engine.Place;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.kinds.Kinds;
import stasis.kinds.TcpPeers;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.repository.ImageReader;
import stasis.resource.Obstacle;
import stasis.testkit.Launcher;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// Checkpoints and restores of programs in one folder, each looked at by the oracle before and after. Closing ends and
/// buries all that is left of them.
final class Cycle implements AutoCloseable {
  static final Duration BOUND = Duration.ofSeconds(60);
  private static final int WNOHANG = 1;
  private final Launcher launcher;
  private final Oracle oracle;
  private final Path images;
  private final Environment environment;
  private final List<Tid> restored = new ArrayList<>();
  private int made;
  private TcpPeers outside = TcpPeers.REFUSE;

  /// @param work folder of the test
  Cycle(Victims victims, Path work) {
    this.launcher = victims.launcher(work);
    try {
      this.environment = LiveEnvironment.of("test");
      this.images = Files.createDirectories(work.resolve("images"));
      this.oracle = new Oracle(Path.of(".."), Files.createDirectories(work.resolve("looks")));
      allowMultipath();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// A host on which a first packet was lost often enough makes no connection of Multipath TCP for an hour; it forgets that
  /// when the length of that hour is written, also as it is (net/mptcp/ctrl.c, proc_blackhole_detect_timeout()).
  private static void allowMultipath() throws IOException {
    Path hour = Path.of("/proc/sys/net/mptcp/blackhole_timeout");
    if (Files.isWritable(hour)) {
      Files.writeString(hour, Files.readString(hour));
    }
  }

  /// From now on connections to peers outside are kept.
  Cycle keepingPeers() {
    outside = TcpPeers.KEEP;
    return this;
  }

  Victim start(Program program) {
    return launcher.start(program);
  }

  Oracle oracle() {
    return oracle;
  }

  Environment environment() {
    return environment;
  }

  /// All living thread groups that this test is answerable for.
  List<Tid> tasks() {
    return launcher.tasks();
  }

  /// A folder no image is in yet.
  Path newImage() {
    return images.resolve("image-" + ++made);
  }

  CheckpointOutcome checkpoint(Victim victim, Path image, boolean leaveRunning, Moment.Listener listener) {
    return new Checkpointer(Kinds.all(outside), environment).checkpoint(
        new CheckpointRequest(victim.pid(), image, leaveRunning, false, false, Optional.empty()), listener);
  }

  RestoreOutcome restore(Path image, Moment.Listener listener) {
    return noted(new Restorer(Kinds.all(outside), environment).restore(new RestoreRequest(image, false), listener));
  }

  /// A restore of which this has to know: what came back is ended at last.
  RestoreOutcome noted(RestoreOutcome outcome) {
    if (outcome instanceof RestoreOutcome.Running running) {
      restored.add(running.root());
    }
    return outcome;
  }

  /// How many restores have succeeded.
  int restores() {
    return restored.size();
  }

  /// What a restore would do.
  RestoreOutcome plan(Path image) {
    return new Restorer(Kinds.all(outside), environment).restore(new RestoreRequest(image, true), _ -> { });
  }

  /// A checkpoint that must succeed.
  CheckpointReport stored(Victim victim, Path image, boolean leaveRunning) {
    CheckpointOutcome outcome = checkpoint(victim, image, leaveRunning, _ -> { });
    if (outcome instanceof CheckpointOutcome.Stored(var report)) {
      return report;
    }
    throw new AssertionError("the checkpoint of " + victim.folder().getFileName() + ": " + text(outcome));
  }

  /// A restore that must succeed.
  RestoreOutcome.Running running(Path image) {
    RestoreOutcome outcome = restore(image, _ -> { });
    if (outcome instanceof RestoreOutcome.Running running) {
      return running;
    }
    throw new AssertionError("the restore of " + image.getFileName() + ": " + text(outcome));
  }

  /// A restore into a pid namespace of its own that must succeed.
  RestoreOutcome.Running beside(Path image) {
    RestoreOutcome outcome = new Restorer(Kinds.all(outside), environment).restore(new RestoreRequest(
        () -> ImageReader.open(image), false, Acceptance.ALL, Optional.empty(), Place.OWN_NAMESPACE,
        FilePolicy.REFUSE), _ -> { });
    if (outcome instanceof RestoreOutcome.Running running) {
      restored.add(running.waitable());
      return running;
    }
    throw new AssertionError("the restore beside, of " + image.getFileName() + ": " + text(outcome));
  }

  /// A lazy restore that must succeed.
  RestoreOutcome.Running lazily(Path image, Optional<Path> order) {
    RestoreOutcome outcome =
        new Restorer(Kinds.all(outside), environment).restore(LazyProcess.request(image, order), _ -> { });
    if (outcome instanceof RestoreOutcome.Running running) {
      restored.add(running.root());
      return running;
    }
    throw new AssertionError("the lazy restore of " + image.getFileName() + ": " + text(outcome));
  }

  /// Freezes a victim, sees it gone, brings it back, and sees nothing changed that may not.
  ///
  /// @param modes of the allow list that hold besides `always`
  void carry(Victim victim, String... modes) {
    Path before = oracle.snapshot(victim.pid(), "--tree");
    boolean stopped = StoppedTest.threadsStand(victim);
    Path image = newImage();
    stored(victim, image, false);
    bury(victim);
    running(image);
    awaitStop(victim, stopped);
    agree(before, oracle.snapshot(victim.pid(), "--tree"), modes);
  }

  /// Checkpoints a victim that runs on, sees it untouched, ends it by SIGKILL and brings the copy back.
  ///
  /// @param modes of the allow list that hold of what comes back
  void carryCopy(Victim victim, String... modes) {
    Path before = oracle.snapshot(victim.pid(), "--tree");
    boolean stopped = StoppedTest.threadsStand(victim);
    Path image = newImage();
    stored(victim, image, true);
    awaitStop(victim, stopped);
    agree(before, oracle.snapshot(victim.pid(), "--tree"));
    end(victim);
    running(image);
    awaitStop(victim, stopped);
    agree(before, oracle.snapshot(victim.pid(), "--tree"), modes);
  }

  /// A task that is let go stops by itself, before it is back in the program (kernel/ptrace.c, `__ptrace_unlink()`): when
  /// it next has a CPU.
  static void awaitStop(Victim victim, boolean stopped) {
    if (stopped) {
      Ground.waitFor(() -> StoppedTest.threadsStand(victim));
    }
  }

  /// A checkpoint that must be refused, by name, with the victim untouched.
  List<Obstacle> refuse(Victim victim) {
    Path image = newImage();
    CheckpointOutcome outcome = checkpoint(victim, image, false, _ -> { });
    if (!(outcome instanceof CheckpointOutcome.Refused(var obstacles, var _))) {
      throw new AssertionError("not refused: " + text(outcome));
    }
    assertThat(image).doesNotExist();
    return obstacles;
  }

  void agree(Path before, Path after, String... modes) {
    Oracle.Comparison comparison = oracle.compare(before, after, modes);
    assertThat(comparison.agrees()).as(() -> String.join("\n", comparison.lines())).isTrue();
  }

  /// SIGKILL to the victim and all its descendants, and the burial: their pids are free afterwards.
  void end(Victim victim) {
    List<Tid> tree = tree(victim.pid());
    // All stand still before the first ends: who sees another's end would act on it.
    tree.forEach(task -> Syscalls.call(Nr.KILL, task.value(), 19));
    tree.forEach(task -> Syscalls.call(Nr.KILL, task.value(), 9));
    bury(victim);
    long bound = System.nanoTime() + BOUND.toNanos();
    while (tree.stream().anyMatch(Cycle::exists)) {
      assertThat(System.nanoTime()).as("pids of the tree are free").isLessThan(bound);
      Thread.onSpinWait();
    }
  }

  /// A process and its descendants, as they are at this moment.
  static List<Tid> tree(Tid root) {
    var tree = new ArrayList<>(List.of(root));
    for (int i = 0; i < tree.size(); i++) {
      tree.addAll(children(tree.get(i)));
    }
    return tree;
  }

  private static List<Tid> children(Tid task) {
    var children = new ArrayList<Tid>();
    try (Stream<Path> threads = Files.list(Path.of("/proc/" + task + "/task"))) {
      for (Path thread : threads.toList()) {
        for (String pid : Files.readString(thread.resolve("children")).split(" ")) {
          if (!pid.isBlank()) {
            children.add(new Tid(Integer.parseInt(pid)));
          }
        }
      }
    } catch (IOException e) {
      // It has ended meanwhile, and its children with it or to others.
      return children;
    }
    return children;
  }

  static boolean exists(Tid task) {
    return Syscalls.call(Nr.KILL, task.value(), 0) == 0;
  }

  /// A victim that was killed is its first parent's to bury, or ours if we restored it. Its pid is free afterwards.
  void bury(Victim victim) {
    // A child of ours must be waited for, blocking; anyone else's answers ECHILD at once.
    Syscalls.call(Nr.WAIT4, victim.pid().value(), 0, 0, 0);
    victim.awaitPidFree(BOUND);
  }

  /// Takes the end of a restored root, whose parent this JVM is.
  void reap(Tid root) {
    Syscalls.call(Nr.WAIT4, root.value(), 0, WNOHANG, 0);
  }

  static String text(Object outcome) {
    return switch (outcome) {
      case CheckpointOutcome.Refused(var obstacles, var _) -> refusal(obstacles);
      case RestoreOutcome.Refused(var obstacles) -> refusal(obstacles);
      default -> outcome.toString();
    };
  }

  private static String refusal(List<Obstacle> obstacles) {
    return "refused: " + obstacles.stream().map(Obstacle::text).toList();
  }

  /// A number of one that was buried long ago may be somebody else's by now.
  private static boolean isOurs(Tid root) {
    try {
      return Proc.live().task(root).status().ppid() == ProcessHandle.current().pid();
    } catch (ProcException e) {
      return false;
    }
  }

  @Override
  public void close() {
    restored.removeIf(root -> !isOurs(root));
    restored.forEach(root -> Syscalls.call(Nr.KILL, root.value(), 9));
    long end = System.nanoTime() + BOUND.toNanos();
    for (Tid root : restored) {
      while (Syscalls.call(Nr.WAIT4, root.value(), 0, WNOHANG, 0) == 0 && System.nanoTime() < end) {
        Thread.onSpinWait();
      }
    }
    launcher.close();
  }
}
