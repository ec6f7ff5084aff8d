package stasis.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Tid;

/// The contract of `victim.h` and of the launcher, on a real kernel; nothing is checkpointed here.
class LauncherTest {
  private static final Path VICTIMS = Path.of("victims");
  private static final Duration SOON = Duration.ofSeconds(20);
  private final VictimCompiler compiler = new VictimCompiler(VICTIMS, Path.of("target/victims"));
  @TempDir private Path work = Path.of("");
  private Optional<Launcher> made = Optional.empty();

  @AfterEach
  void nothingIsLeftBehind() {
    made.ifPresent(launcher -> {
      launcher.close();
      assertThat(launcher.tasks()).isEmpty();
    });
  }

  private Launcher launcher() {
    assumeTrue(VictimCompiler.isAvailable(), "gcc");
    Launcher launcher = made.orElseGet(() -> new Launcher(work, compiler));
    made = Optional.of(launcher);
    return launcher;
  }

  private Victim start(String name) {
    return launcher().start(Launcher.Program.of(compiler.compile(VICTIMS.resolve(name + ".c"))));
  }

  private Path write(String name, String body) throws Exception {
    return Files.writeString(work.resolve(name),
        "#include \"victim.h\"\nint main(void) { victim_start(); " + body + " }\n");
  }

  static List<String> victims() throws IOException {
    try (Stream<Path> files = Files.list(VICTIMS)) {
      return files.map(file -> file.getFileName() + "").filter(name -> name.endsWith(".c") && !name.equals("foster.c"))
          .map(name -> name.substring(0, name.length() - 2)).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("victims")
  void everyVictimPassesUncheckpointed(String name) {
    assertThat(start(name).runThrough(SOON)).isEqualTo(new Victim.Verdict.Passed());
  }

  @Test
  void aVictimWaitsUntilItIsToldToGoOn() {
    Victim victim = start("signals");
    victim.awaitReady("pending", SOON);
    victim.awaitAsleep(SOON);
    assertThat(victim.verdict(Duration.ofMillis(100))).isInstanceOf(Victim.Verdict.Pending.class);
    assertThat(victim.isAlive()).isTrue();
  }

  @Test
  void aProgramWhoseFirstThreadHasEndedIsAliveAndIsEnded() throws Exception {
    Path source = Files.writeString(work.resolve("leaderless.c"), """
        #include "victim.h"
        static void *lives(void *leader) {
          pthread_join(*(pthread_t *)leader, NULL);
          ready_begin("alone");
          for (;;) pause();
          return NULL;
        }
        int main(void) {
          static pthread_t self, other;
          victim_start();
          self = pthread_self();
          check(pthread_create(&other, NULL, lives, &self) == 0);
          pthread_exit(NULL);
        }
        """);
    Victim victim = launcher().start(Launcher.Program.of(compiler.compile(source)));
    victim.awaitReady("alone", SOON);

    assertThat(victim.task().stat().state()).isEqualTo('Z');
    assertThat(victim.isAlive()).isTrue();
    assertThat(launcher().tasks()).contains(victim.pid());
    victim.close();
    assertThat(Path.of("/proc/" + victim.pid())).doesNotExist();
  }

  @Test
  void aVictimHasThreeDescriptorsASessionOfItsOwnAndNoSignalsIgnored() throws Exception {
    Victim victim = start("threads");
    victim.awaitReady("all-wait", SOON);
    assertThat(victim.task().fds()).containsExactly(new Fd(0), new Fd(1), new Fd(2));
    assertThat(victim.task().stat().session()).isEqualTo(victim.pid().value());
    assertThat(victim.task().status().ignored().bits()).isZero();
    assertThat(victim.task().status().blocked().bits()).isZero();
    assertThat(victim.task().stat().ppid()).isNotEqualTo((int) ProcessHandle.current().pid());
  }

  @Test
  void aFailedCheckIsTheVerdictWithItsReason() throws Exception {
    Path source = write("fails.c", "errno = ENOENT; check(1 == 2, \"because %d: %m\", 7); pass();");
    Victim victim = launcher().start(Launcher.Program.of(compiler.compile(source)));
    assertThat(victim.verdict(SOON)).isInstanceOfSatisfying(Victim.Verdict.Failed.class, failed ->
        assertThat(failed.reason()).contains("1 == 2").endsWith("because 7: No such file or directory"));
  }

  @Test
  void aVictimThatEndsWithoutAWordDidNotPass() throws Exception {
    Path source = write("dies.c", "raise(SIGKILL);");
    Victim victim = launcher().start(Launcher.Program.of(compiler.compile(source)));
    assertThat(victim.verdict(SOON)).isInstanceOf(Victim.Verdict.Vanished.class);
    assertThatThrownBy(() -> victim.awaitReady("never", SOON)).isInstanceOf(AssertionError.class);
  }

  @Test
  void aKilledVictimsPidIsFreeAtOnce() throws Exception {
    Victim victim = start("signals");
    victim.awaitReady("pending", SOON);
    assertThat(new ProcessBuilder("kill", "-9", victim.pid().toString()).start().waitFor()).isZero();
    victim.awaitPidFree(Duration.ofSeconds(1));
    // The number is free when the parent has waited; it writes down how it ended right after.
    for (int i = 0; i < 100 && victim.exit().isEmpty(); i++) {
      Thread.sleep(10);
    }
    assertThat(victim.exit()).contains("killed 9");
  }

  @Test
  void childrenOfAVictimAreEndedWithIt() throws Exception {
    Path source = write("forks.c", "if (fork() == 0) for (;;) pause(); ready(\"forked\"); pass();");
    Victim victim = launcher().start(Launcher.Program.of(compiler.compile(source)));
    victim.awaitReady("forked", SOON);
    List<Tid> tasks = launcher().tasks();
    assertThat(tasks).hasSize(2);
    victim.close();
    assertThat(tasks).noneMatch(pid -> Files.exists(Path.of("/proc/" + pid)));
  }

  @Test
  void aProgramNobodyHereWroteRunsAsWellAndEndsWithItsStatus() throws Exception {
    Victim sleep = launcher().start(Launcher.Program.of(Path.of("/usr/bin/sleep"), "30"));
    assertThat(sleep.isAlive()).isTrue();
    assertThat(sleep.task().status().name()).isEqualTo("sleep");
    assertThat(sleep.threadStates()).hasSize(1);
    Victim fails = launcher().start(Launcher.Program.of(Path.of("/usr/bin/cat"), "/no/such/file"));
    assertThat(fails.verdict(SOON)).isInstanceOf(Victim.Verdict.Vanished.class);
    assertThat(fails.exit()).contains("exited 1");
  }
}
