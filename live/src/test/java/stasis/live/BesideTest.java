package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoredProgram;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.testkit.Victim;

/// Restores into a pid namespace of their own: the old numbers inside, whoever has them outside.
final class BesideTest {
  private static final Duration BOUND = Duration.ofSeconds(30);
  /// Those whose state names pids, sessions and groups; any other by `-Dstasis.live.beside=`, a part of its label.
  private static final List<String> NAMING_PIDS = List.of("description/owner", "file/pidfd", "group/session",
      "group/posixtimers", "task/robustlist", "task/tidaddress", "group/pending");

  @BeforeEach
  void needsNamespaces() {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs CAP_SYS_ADMIN");
  }

  @TestFactory
  Stream<DynamicTest> aVictimPassesAfterARestoreIntoItsOwnNamespace(@TempDir Path work) throws IOException {
    var victims = new Victims();
    Optional<String> only = Optional.ofNullable(System.getProperty("stasis.live.beside"));
    return victims.sources().stream().filter(source -> only.map(Victims.label(source)::contains)
        .orElseGet(() -> NAMING_PIDS.contains(Victims.label(source)))).map(source ->
            DynamicTest.dynamicTest(Victims.label(source), () -> carried(victims, source,
                work.resolve(Victims.label(source).replace('/', '-')))));
  }

  private static void carried(Victims victims, Path source, Path work) {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.of(source));
      Ground.waitFor(() -> !victim.labels().isEmpty() || !victim.isAlive());
      assumeFalse(victim.labels().contains("refused"), "is refused");
      Path image = cycle.newImage();
      cycle.stored(victim, image, false);
      cycle.bury(victim);
      RestoreOutcome.Running running = cycle.beside(image);
      long end = System.nanoTime() + BOUND.toNanos();
      while (!hasEnded(victim) && Cycle.exists(running.waitable()) && System.nanoTime() < end) {
        go(victim, running);
        Thread.onSpinWait();
        cycle.reap(running.waitable());
      }
      assertThat(victim.lines()).as("stderr: %s", victim.errors()).contains("PASS");
    }
  }

  private static boolean hasEnded(Victim victim) {
    return victim.lines().stream().anyMatch(line -> line.equals("PASS") || line.startsWith("FAIL "));
  }

  /// The victim's own number is another's out here.
  private static void go(Victim victim, RestoreOutcome.Running running) {
    for (String line : victim.lines()) {
      Path go = victim.folder().resolve("go." + line.replaceAll("READY (\\S*) .*", "$1"));
      if (line.startsWith("READY ") && !Files.exists(go)) {
        try {
          Files.createFile(go);
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
        if (line.endsWith(" signal")) {
          Syscalls.call(Nr.KILL, running.root().value(), 10);
        }
      }
    }
  }

  @Test
  void aCopyRunsBesideTheLivingWithItsNumbersInsideAndEndsAsItEnds(@TempDir Path work) throws IOException,
      SyscallException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.general("counter"));
      victim.awaitReady(victim.labels().stream().findFirst().orElse("running"), BOUND);
      Path image = cycle.newImage();
      cycle.stored(victim, image, true);

      assertThat(Cycle.text(cycle.restore(image, _ -> { }))).contains("taken by " + victim.pid(),
          "--new-pid-namespace");
      RestoreOutcome.Running running = cycle.beside(image);

      assertThat(running.pid()).isEqualTo(victim.pid().value());
      assertThat(running.root()).isNotEqualTo(victim.pid());
      assertThat(Files.readString(Path.of("/proc/" + running.root() + "/status")))
          .contains("NSpid:\t" + running.root() + "\t" + victim.pid() + "\n");
      assertThat(Cycle.exists(victim.pid())).isTrue();
      var program = new RestoredProgram(running.root(), running.waitable());
      program.signal(15);
      assertThat(program.await()).as("128 and SIGTERM").isEqualTo(143);
      assertThat(Cycle.exists(running.root())).isFalse();
    }
  }
}
