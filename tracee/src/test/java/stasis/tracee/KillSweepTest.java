package stasis.tracee;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// The tracer dies at every step of a freeze, an errand and a snapshot; the program must not notice.
///
/// By default each program gets one or two seconds of randomly chosen steps, from a seed that is printed
/// (`-Dstasis.sweep.seed=N`); `-Dstasis.sweep.factor=N` makes it N times as long. `-Dstasis.sweep=full` goes through
/// every step of every victim,
/// `-Dstasis.sweep.repetitions` times; half an hour on two CPUs.
@Tag("sweep")
final class KillSweepTest {
  private static final boolean FULL = "full".equals(System.getProperty("stasis.sweep"));
  private static final String REPETITIONS = System.getProperty("stasis.sweep.repetitions", "3");
  private static final int FACTOR = Integer.getInteger("stasis.sweep.factor", 1);
  private static final long SEED = Long.getLong("stasis.sweep.seed", System.nanoTime() % 1_000_000);
  private static final int SIGUSR1 = 10;
  private static final int SIGURG = 23;

  @TempDir
  private Path folder;

  /// A target that has begun, and what it reports.
  private record Begun(Target target, Report report, Path file) implements AutoCloseable {
    @Override
    public void close() {
      target.close();
      report.close();
    }
  }

  private Begun begin(Predicate<Report> begun, String... command) throws IOException {
    Path file = folder.resolve("report" + System.nanoTime());
    var report = new Report(file);
    var all = new ArrayList<>(List.of(command));
    all.add(file.toString());
    Target target = Target.spawn(all.toArray(new String[0]));
    target.until(() -> begun.test(report));
    return new Begun(target, report, file);
  }

  private static String java() {
    return ProcessHandle.current().info().command().orElseThrow();
  }

  private static Process sweeper(Begun begun, long victim, List<String> options) throws IOException {
    var command = new ArrayList<>(List.of(java(), "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
        "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"), "stasis.tracee.Sweep",
        "pid=" + begun.target().leader(), "victim=" + victim));
    command.addAll(options);
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static String output(Process process, int seconds) throws IOException, InterruptedException {
    String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(seconds, TimeUnit.SECONDS)).isTrue();
    System.out.print(text);
    return text;
  }

  /// @param limits `maps=…`, `storm=…`, `spoil=…`
  private static String sweep(Begun begun, long victim, int seconds, String... limits) throws Exception {
    var options = new ArrayList<>(List.of(limits));
    options.add("report=" + begun.file());
    if (FULL) {
      options.add("repetitions=" + REPETITIONS);
      options.add("seconds=600");
    } else {
      options.add("seed=" + SEED);
      options.add("seconds=" + seconds * FACTOR);
    }
    System.out.println("sweep of " + begun.target().leader() + " victim " + victim + " " + options);
    String said = output(sweeper(begun, victim, options), 700);
    assertThat(said).contains("SWEPT");
    return said;
  }

  private static void assertUnharmed(Begun begun, String said) {
    assertThat(said).contains(" failures=0 ").contains("complaints=[]");
    assertThat(begun.target().status("State")).doesNotContain("stop").isNotEmpty();
    assertThat(copiesOf(begun.target())).as("snapshots left behind").isEmpty();
  }

  private static List<Path> copiesOf(Target target) {
    var copies = new ArrayList<Path>();
    try (var processes = Files.newDirectoryStream(Path.of("/proc"), "[0-9]*")) {
      Path program = Files.readSymbolicLink(Path.of("/proc/" + target.leader() + "/exe"));
      for (Path process : processes) {
        boolean other = !process.getFileName().toString().equals(target.leader().toString());
        if (other && Files.isSymbolicLink(process.resolve("exe")) && commandLine(process).equals(
            commandLine(Path.of("/proc/" + target.leader()))) && program.equals(exe(process))) {
          copies.add(process);
        }
      }
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return copies;
  }

  private static Path exe(Path process) {
    try {
      return Files.readSymbolicLink(process.resolve("exe"));
    } catch (IOException e) {
      return Path.of("gone");
    }
  }

  private static String commandLine(Path process) {
    try {
      return new String(Files.readAllBytes(process.resolve("cmdline")), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "gone";
    }
  }

  private Begun glibc() throws IOException {
    Optional<Path> program = Programs.c(folder, "target");
    assumeTrue(program.isPresent(), "no gcc");
    return begin(Report::allBegan, program.orElseThrow().toString());
  }

  private void sweepRoles(Begun begun, int seconds, String... limits) throws Exception {
    List<Integer> roles = FULL ? List.of(0, 1, 2, 3, 4, 5, 6)
        : List.of(Report.SPIN, new Random(SEED).nextInt(Report.SLEEP, Report.ROLES));
    for (int role : roles) {
      assertUnharmed(begun, sweep(begun, begun.report().tid(role), seconds, limits));
    }
  }

  @Test
  void glibcProgramSurvivesTheTracersDeathAtAnyStep() throws Exception {
    try (Begun begun = glibc()) {
      sweepRoles(begun, 2);
    }
  }

  @Test
  void glibcProgramUnderAStormOfSignalsSurvivesTheTracersDeathAtAnyStep() throws Exception {
    try (Begun begun = glibc()) {
      sweepRoles(begun, 2, "storm=" + SIGUSR1);
      assertThat(begun.report().signals()).isPositive();
    }
  }

  /// Where its copies stay its children: who is killed leaves one that has ended and tells nobody.
  @Test
  void glibcProgramWhoseCopiesAreItsChildrenSurvivesTheTracersDeathAtAnyStep() throws Exception {
    try (Begun begun = glibc()) {
      sweepRoles(begun, 2, "snapshot=kept");
      sweepRoles(begun, 1, "snapshot=kept", "storm=" + SIGUSR1);
    }
  }

  /// A child subreaper that is none while it is copied is one again.
  @Test
  void childSubreaperIsOneAgainWhateverStepTheTracerDiesAt() throws Exception {
    try (Begun begun = glibc()) {
      sweepRoles(begun, 2, "snapshot=relieved");
      sweepRoles(begun, 1, "snapshot=relieved", "storm=" + SIGUSR1);
      try (var tracer = new TracerThread()) {
        assertThat(tracer.<Boolean, Exception>call(ptrace -> {
          try (FrozenGroup group = ErrandTest.frozen(ptrace, begun.target().leader())) {
            return Snapshot.isSubreaper(group, group.tasks().getFirst(), Deadline.after(Duration.ofSeconds(5)));
          }
        })).isTrue();
      }
    }
  }

  @Test
  void staticProgramSurvivesTheTracersDeathAtAnyStep() throws Exception {
    Optional<Path> program = Programs.c(folder, "target", "-static");
    assumeTrue(program.isPresent(), "no gcc");
    try (Begun begun = begin(Report::allBegan, program.orElseThrow().toString())) {
      assertUnharmed(begun, sweep(begun, begun.report().tid(Report.SPIN), 2));
    }
  }

  @Test
  void goProgramSurvivesTheTracersDeathAtAnyStep() throws Exception {
    Optional<Path> program = Programs.go(folder, "target");
    assumeTrue(program.isPresent(), "no Go compiler");
    try (Begun begun = begin(Report::spinBegan, program.orElseThrow().toString())) {
      assertUnharmed(begun, sweep(begun, begun.target().leader().value(), 2, "maps=false"));
      assertUnharmed(begun, sweep(begun, begun.target().leader().value(), 1, "maps=false", "storm=" + SIGURG));
    }
  }

  @Test
  void pythonProgramSurvivesTheTracersDeathAtAnyStep() throws Exception {
    assumeTrue(Files.exists(Path.of("/usr/bin/python3")), "no python3");
    try (Begun begun = begin(Report::spinBegan, "/usr/bin/python3", Programs.source(folder, "target.py").toString())) {
      assertUnharmed(begun, sweep(begun, begun.target().leader().value(), 2, "maps=false"));
      assertUnharmed(begun, sweep(begun, begun.target().leader().value(), 1, "maps=false", "storm=" + SIGUSR1));
    }
  }

  /// The one step of a snapshot with handlers still able to run: Python installs them without SA_RESTART.
  @Test
  void handlersThatInterruptTheWalkHomeLeaveNoChild() throws Exception {
    assumeTrue(Files.exists(Path.of("/usr/bin/python3")), "no python3");
    try (Begun begun = begin(Report::spinBegan, "/usr/bin/python3", Programs.source(folder, "target.py").toString())) {
      assertUnharmed(begun, sweep(begun, begun.target().leader().value(), 3, "maps=false", "storm=" + SIGUSR1,
          "name=errand.entered"));
    }
  }

  @Test
  void jvmSurvivesTheTracersDeathAtAnyStep() throws Exception {
    try (Begun begun = begin(Report::spinBegan, java(), "-Xmx64m", "-cp", System.getProperty("java.class.path"),
        "stasis.tracee.JvmTarget")) {
      for (Tid victim : List.of(begun.target().leader(), begun.target().threads().get(1))) {
        assertUnharmed(begun, sweep(begun, victim.value(), 2, "maps=false"));
      }
    }
  }

  @Test
  void wholeEngineKilledBySigkillLeavesTheProgramUnharmed() throws Exception {
    var random = new Random(SEED);
    try (Begun begun = glibc()) {
      var verifier = new Verifier(begun.target(), true, true);
      for (int i = 0; i < (FULL ? 100 : 2); i++) {
        int step = random.nextInt(130);
        long victim = begun.report().tid(random.nextInt(Report.ROLES));
        Process process = sweeper(begun, victim, List.of("kill=" + step));
        process.getInputStream().readAllBytes();
        process.waitFor();
        assertThat(verifier.verify()).as("killed at step " + step + " on victim " + victim).isEmpty();
      }
      assertThat(begun.report().complaints(false)).isEmpty();
    }
  }

  @Test
  void engineKilledAtARandomMomentLeavesTheProgramUnharmed() throws Exception {
    var random = new Random(SEED);
    try (Begun begun = glibc()) {
      var verifier = new Verifier(begun.target(), true, true);
      for (int i = 0; i < (FULL ? 100 : 2); i++) {
        Process process = sweeper(begun, begun.report().tid(random.nextInt(Report.ROLES)), List.of("loop=true"));
        assertThat(process.getInputStream().read()).isPositive(); // it has begun
        Thread.sleep(random.nextInt(100));
        Syscalls.call(Nr.KILL, process.pid(), 9);
        process.waitFor();
        assertThat(verifier.verify()).isEmpty();
      }
      assertThat(begun.report().complaints(false)).isEmpty();
    }
  }

  @Test
  void sweepNoticesAParachuteThatLeavesItsScratchMemory() throws Exception {
    assertNoticed("UNMAP", "rw-p");
  }

  @Test
  void sweepNoticesAParachuteThatDoesNotRestoreARegister() throws Exception {
    assertNoticed("RDI", "a general register");
  }

  @Test
  void sweepNoticesAParachuteThatDoesNotRestoreTheMask() throws Exception {
    assertNoticed("MASK", "SigBlk");
  }

  private void assertNoticed(String spoil, String word) throws Exception {
    String said = swept(spoil, 1);
    // On a busy machine a sweep can be over before it has begun.
    for (int seconds = 4; seconds <= 16 && said.contains(" deaths=0 "); seconds *= 2) {
      said = swept(spoil, seconds);
    }
    assertThat(said).contains("FAIL").contains(word).doesNotContain(" failures=0 ");
  }

  private String swept(String spoil, int seconds) throws Exception {
    try (Begun begun = glibc()) {
      return output(sweeper(begun, begun.report().tid(Report.SPIN), List.of("report=" + begun.file(),
          "spoil=" + spoil, "from=30", "seconds=" + seconds)), 60);
    }
  }
}
