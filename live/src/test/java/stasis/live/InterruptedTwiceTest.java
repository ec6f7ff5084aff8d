package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.Checkpointer;
import stasis.kinds.Kinds;
import stasis.testkit.Victim;

/// A timed wait that was interrupted before stands in restart_syscall(2), which no longer tells what it waits in.
class InterruptedTwiceTest {
  @Test
  void waitsThatWereInterruptedBeforeKeepTheirEnd(@TempDir Path work) throws Exception {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.program("twice"));
      victim.awaitReady("waiting", Duration.ofSeconds(20));
      assertThat(new Checkpointer(Kinds.all(), cycle.environment()).explain(victim.pid()).obstacles()).isEmpty();
      Path image = cycle.newImage();
      cycle.stored(victim, image, false);
      cycle.bury(victim);
      cycle.running(image);
      victim.go("waiting");
      assertThat(victim.verdict(Duration.ofSeconds(40))).isEqualTo(new Victim.Verdict.Passed());
    }
  }
}
