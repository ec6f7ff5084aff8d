package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.repository.ImageStore;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// Trees that never stand still: tasks come, go, or become other programs while they are being frozen.
/// `-Dstasis.live.storm=N` for other numbers of freezes.
class StormTest {
  private static final int FREEZES = Integer.getInteger("stasis.live.storm", 20);
  /// How often the tree is ended and brought back.
  private static final int ROUNDS = Math.max(2, FREEZES / 10);

  private final Victims victims = new Victims();

  @Test
  void aTreeThatForksAllTheTimeIsFrozenEachTimeAndComesBack(@TempDir Path work) throws IOException {
    carried(victims.program("storm"), "storm", FREEZES, work);
  }

  @Test
  void aTreeThatExecutesProgramsAllTheTimeIsFrozenEachTimeAndComesBack(@TempDir Path work) throws IOException {
    carried(victims.program("execstorm", "-pthread"), "execs", FREEZES / 4, work);
  }

  @Test
  void aTreeWhoseThreadsComeAndGoAllTheTimeIsFrozenEachTimeAndComesBack(@TempDir Path work) throws IOException {
    carried(victims.program("threadstorm", "-pthread"), "threads", FREEZES / 4, work);
  }

  private void carried(Program program, String label, int freezes, Path work) throws IOException {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(program);
      victim.awaitReady(label, Cycle.BOUND);
      Ground.Stray ground = Ground.Stray.now();
      var refused = new TreeMap<String, Integer>();
      for (int i = 0; i < freezes; i++) {
        Path image = cycle.newImage();
        if (stored(cycle, victim, image, true, refused)) {
          Files.delete(image.resolve("statefile"));
        }
        assertThat(victim.isAlive()).as("after freeze %d: %s", i, victim.lines()).isTrue();
      }
      for (int i = 0; i < ROUNDS; i++) {
        Path image = cycle.newImage();
        if (stored(cycle, victim, image, false, refused)) {
          cycle.bury(victim);
          cycle.running(image);
        }
      }
      assertThat(refused).isEmpty();
      victim.go(label);
      assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
      cycle.reap(victim.pid());
      ground.isAsItWas();
      System.out.printf("%s: %d freezes and %d restores, refused %s%n", label, freezes, cycle.restores(), refused);
    }
  }

  /// Whole, or refused with a reason.
  private static boolean stored(Cycle cycle, Victim victim, Path image, boolean leaveRunning,
      Map<String, Integer> refused) {
    CheckpointOutcome outcome = cycle.checkpoint(victim, image, leaveRunning, _ -> { });
    assertThat(outcome).as("%s %s", Cycle.text(outcome), victim.lines()).isInstanceOfAny(
        CheckpointOutcome.Stored.class, CheckpointOutcome.Refused.class);
    if (outcome instanceof CheckpointOutcome.Stored) {
      return true;
    }
    assertThat(ImageStore.holdsImage(image)).isFalse();
    refused.merge(Cycle.text(outcome).replaceAll("[0-9]+", "N"), 1, Integer::sum);
    return false;
  }
}
