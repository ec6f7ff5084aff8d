package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.testkit.Victim;

/// A tree that never stands still: children come and go while it is being frozen. `-Dstasis.live.storm=N` for other
/// numbers of freezes.
class StormTest {
  private static final int FREEZES = Integer.getInteger("stasis.live.storm", 20);

  @Test
  void aTreeThatForksAllTheTimeIsFrozenEachTimeAndComesBack(@TempDir Path work) throws IOException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.program("storm"));
      victim.awaitReady("storm", Cycle.BOUND);
      for (int i = 0; i < FREEZES; i++) {
        Path image = cycle.newImage();
        CheckpointOutcome outcome = cycle.checkpoint(victim, image, true, _ -> { });
        assertThat(outcome).as("freeze %d: %s", i, Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
        Files.delete(image.resolve("statefile"));
        assertThat(victim.isAlive()).as("after freeze %d: %s", i, victim.lines()).isTrue();
      }
      for (int i = 0; i < 3; i++) {
        Path image = cycle.newImage();
        cycle.stored(victim, image, false);
        cycle.bury(victim);
        cycle.running(image);
      }
      victim.go("storm");
      assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
      System.out.printf("%d freezes and 3 restores of a tree that made %s tasks a second%n", FREEZES,
          Files.readString(victim.folder().resolve("rate")).strip());
    }
  }
}
