package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.Environment;
import stasis.engine.RestoreOutcome;
import stasis.kinds.Kinds;
import stasis.testkit.Victim;

/// A program from a host that had been up for longer: its CLOCK_MONOTONIC and CLOCK_BOOTTIME go on where they were, in a
/// time namespace, and go on again after a second checkpoint there.
class ClocksTest {
  private static final long LATER_NS = 100_000_000_000_000L;

  @Test
  void clocksNeverRunBackwardsOnAHostThatIsBehind(@TempDir Path work) {
    assumeTrue(Files.exists(Path.of("/proc/self/ns/time")), "needs time namespaces");
    assumeTrue("root".equals(System.getProperty("user.name")), "needs CAP_SYS_TIME");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.program("clocks"));
      victim.awaitReady("0", Cycle.BOUND);
      Path image = cycle.newImage();
      long monotonicNs = cycle.environment().monotonicNs().getAsLong();
      long boottimeNs = cycle.environment().boottimeNs().getAsLong();
      stored(ahead(cycle.environment()), victim, image);
      cycle.bury(victim);

      RestoreOutcome.Running running = cycle.running(image);

      assertThat(running.report().losses()).anySatisfy(
          row -> assertThat(row.detail()).contains("runs in a time namespace"));
      victim.go("0");
      victim.awaitReady("1", Cycle.BOUND);
      assertThat(clock(victim, 0, 0)).as("CLOCK_MONOTONIC").isBetween(monotonicNs + LATER_NS,
          cycle.environment().monotonicNs().getAsLong() + LATER_NS);
      assertThat(clock(victim, 0, 1)).as("CLOCK_BOOTTIME").isBetween(boottimeNs + 2 * LATER_NS,
          cycle.environment().boottimeNs().getAsLong() + 2 * LATER_NS);

      // A second checkpoint knows the clocks the program sees, not the host's.
      cycle.carry(victim, "timens");
      victim.go("1");
      victim.awaitReady("2", Cycle.BOUND);
      cycle.carryCopy(victim, "timens");
      victim.go("2");
      victim.awaitReady("3", Cycle.BOUND);
      for (int clock = 0; clock < 2; clock++) {
        assertThat(clock(victim, 2, clock)).isGreaterThan(clock(victim, 1, clock));
        assertThat(clock(victim, 1, clock)).isGreaterThan(clock(victim, 0, clock));
      }
      victim.go("3");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  @Test
  void aHostThatIsAheadNeedsNoTimeNamespace(@TempDir Path work) {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.program("clocks"));
      victim.awaitReady("0", Cycle.BOUND);
      Path image = cycle.newImage();
      cycle.stored(victim, image, false);
      cycle.bury(victim);

      assertThat(cycle.running(image).report().losses())
          .noneMatch(row -> row.detail().contains("time namespace"));
    }
  }

  /// What a host that had been up for longer would have said.
  private static Environment ahead(Environment here) {
    return new Environment(here.proc(), () -> here.monotonicNs().getAsLong() + LATER_NS,
        () -> here.boottimeNs().getAsLong() + 2 * LATER_NS, here.realtimeNs(), here.kernelRelease(), "another boot",
        here.hostName(), here.engineVersion());
  }

  private static void stored(Environment environment, Victim victim, Path image) {
    CheckpointOutcome outcome = new Checkpointer(Kinds.all(), environment).checkpoint(
        new CheckpointRequest(victim.pid(), image, false, false, false, Optional.empty()), _ -> { });
    assertThat(outcome).as(() -> Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
  }

  private static long clock(Victim victim, int label, int which) {
    return Long.parseLong(victim.output().lines().skip(label).findFirst().orElseThrow().split(" ")[which]);
  }
}
