package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointReport;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.kinds.Kinds;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// A program of which no copy-on-write image can be taken stands still while it is copied, which is told, and which it
/// need not bear for longer than it is willing to.
class StandingStillTest {
  private static final int MIB = 64;

  @Test
  void whatHasNoSnapshotIsCopiedStandingStillAndThatIsTold(@TempDir Path work) {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = large(cycle, victims);
      Path before = cycle.oracle().snapshot(victim.pid());
      Path image = cycle.newImage();

      CheckpointReport report = cycle.stored(victim, image, true);

      Ground.isUntouched(cycle, victim, before);
      assertThat(report.warnings()).singleElement().asString()
          .contains("no snapshot", report.pageBytes() + " bytes", "does not let every setsid pass");
      assertThat(report.frozenNs()).as("its copying is part of the freeze")
          .isGreaterThan(report.phases().get("encode"));
      cycle.end(victim);
      cycle.running(image);
      victim.go("large");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  @Test
  void aFreezeThatGrowsTooLongIsGivenUpInTheMiddleOfTheCopy(@TempDir Path work) {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = large(cycle, victims);
      Path before = cycle.oracle().snapshot(victim.pid());
      CheckpointReport whole = cycle.stored(victim, cycle.newImage(), true);
      for (boolean leaveRunning : new boolean[] {true, false}) {
        Path image = cycle.newImage();
        // Collecting alone takes less, and copying all of it more.
        Duration budget = Duration.ofNanos(whole.frozenNs() / 2);
        var request = new CheckpointRequest(victim.pid(), image, leaveRunning, false, false, Optional.of(budget));

        long[] copied = {0};
        CheckpointOutcome outcome = new Checkpointer(Kinds.all(), cycle.environment()).checkpoint(request, moment -> {
          if (moment instanceof stasis.engine.Moment.Progress progress) {
            copied[0] = progress.doneBytes();
            java.util.concurrent.locks.LockSupport.parkNanos(whole.frozenNs() / MIB);
          }
        });

        assertThat(outcome).isInstanceOfSatisfying(CheckpointOutcome.Refused.class,
            refused -> assertThat(refused.obstacles().getFirst().text()).contains("--max-freeze"));
        assertThat(copied[0]).as("given up before the end").isLessThan(whole.pageBytes());
        assertThat(image).doesNotExist();
        Ground.isUntouched(cycle, victim, before);
      }
    }
  }

  private static Victim large(Cycle cycle, Victims victims) {
    Victim victim = cycle.start(Program.of(victims.program("still").program(), Integer.toString(MIB)));
    victim.awaitReady("large", Cycle.BOUND);
    return victim;
  }
}
