package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.Moment;
import stasis.linux.abi.Tid;
import stasis.repository.ImageStore;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// The engine dies by SIGKILL at each moment between the first and the last end of a tree: the tree is gone as a whole,
/// its image is there, and it comes back.
class TreeEndTest {
  private static final Duration BOUND = Duration.ofSeconds(30);
  private static final String LABEL = "threads";

  @Test
  void aTreeWhoseEndIsInterruptedEndsAllTheSameAndComesBack(@TempDir Path work) throws IOException {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      List<Integer> kills = kills(cycle, victims);
      assertThat(kills).hasSizeGreaterThan(8);
      for (int ordinal : kills) {
        Victim victim = ready(cycle, victims);
        List<Tid> tree = Cycle.tree(victim.pid());
        assertThat(tree).hasSize(4);
        Path image = cycle.newImage();

        EngineProcess.End end = EngineProcess.checkpoint(victim.pid(), image, false, ordinal);

        assertThat(end.killed()).as(end.words()).isTrue();
        cycle.bury(victim);
        assertThat(Ground.waitFor(() -> tree.stream().noneMatch(Cycle::exists)))
            .as("killed at %s: left of %s", end.words(), tree).isTrue();
        assertThat(ImageStore.holdsImage(image)).isTrue();
        cycle.running(image);
        victim.go(LABEL);
        assertThat(victim.verdict(BOUND)).as(end.words()).isEqualTo(new Victim.Verdict.Passed());
        cycle.reap(victim.pid());
      }
      System.out.println(kills.size() + " deaths while a tree was ended");
    }
  }

  /// Ordinals of the moments of the end.
  private static List<Integer> kills(Cycle cycle, Victims victims) {
    Victim victim = ready(cycle, victims);
    List<Moment> moments = new ArrayList<>();
    cycle.checkpoint(victim, cycle.newImage(), false, moment -> {
      if (!(moment instanceof Moment.Calls)) {
        moments.add(moment);
      }
    });
    cycle.bury(victim);
    List<Integer> kills = new ArrayList<>();
    for (int i = 0; i < moments.size(); i++) {
      if (moments.get(i) instanceof Moment.At at && at.step().startsWith("kill.")) {
        kills.add(i);
      }
    }
    return kills;
  }

  private static Victim ready(Cycle cycle, Victims victims) {
    Victim victim = cycle.start(victims.general("tree_threads"));
    victim.awaitReady(LABEL, BOUND);
    return victim;
  }
}
