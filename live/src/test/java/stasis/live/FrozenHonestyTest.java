package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.testkit.Victim;

/// The frozen time we report is the gap that the program itself saw.
class FrozenHonestyTest {
  private static final int LABELS = 7;
  private static final int TRIES = 3;
  private static final long SLACK_NS = 2_000_000;

  /// Medians, because on a busy machine the thread also stands for other reasons.
  @Test
  void frozenTimeIsTheLargestGapOfASpinningThread(@TempDir Path work) {
    var victims = new Victims();
    var said = new StringBuilder();
    for (int at = 0; at < TRIES; at++) {
      var reported = new ArrayList<Long>();
      List<Long> seen = new ArrayList<>();
      try (var cycle = new Cycle(victims, work.resolve("try-" + at))) {
        Victim victim = cycle.start(victims.program("gap"));
        for (int i = 0; i < LABELS; i++) {
          victim.awaitReady(Integer.toString(i), Cycle.BOUND);
          reported.add(cycle.stored(victim, cycle.newImage(), true).frozenNs());
          victim.go(Integer.toString(i));
        }
        assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
        seen = victim.output().lines().map(Long::valueOf).toList();
      }
      long us = median(reported);
      long program = median(seen);
      said.append("reported %d ns, seen %d ns; ".formatted(us, program));
      if (Math.abs(us - program) <= Math.max(SLACK_NS, program / 5)) {
        System.out.println("frozen time: " + said);
        return;
      }
    }
    throw new AssertionError("medians disagree: " + said);
  }

  private static long median(List<Long> values) {
    return values.stream().sorted().toList().get(values.size() / 2);
  }
}
