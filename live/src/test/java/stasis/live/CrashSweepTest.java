package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.engine.Moment;
import stasis.engine.RestoreOutcome;
import stasis.repository.ImageStore;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// The engine fails, or dies by SIGKILL, at each of its moments in turn. Before the image counts the target runs on
/// untouched and there is no image; after it there is a whole one. Nothing else is ever left.
///
/// `-Dstasis.live.sweep=full` takes every moment; else, of those with one name, the first and one by a seed
/// (`-Dstasis.live.seed`, told in the output), and of deaths a few.
class CrashSweepTest {
  private static final Duration BOUND = Duration.ofSeconds(30);
  private static final int DEATHS = 5;
  private static final boolean FULL = System.getProperty("stasis.live.sweep", "").equals("full");
  private static final long SEED = Long.getLong("stasis.live.seed", System.nanoTime() & 0xffff);

  /// Thrown at a moment.
  private static final class Fault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Fault(Moment moment) {
      super("fault at " + moment);
    }
  }

  @BeforeEach
  void needs() {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    System.out.println("crash sweep seed " + SEED);
  }

  /// What is told after a step is no step.
  private static Moment.Listener steps(Moment.Listener listener) {
    return moment -> {
      if (!(moment instanceof Moment.Calls)) {
        listener.at(moment);
      }
    };
  }

  private static Victim ready(Cycle cycle, Victims victims) {
    Victim victim = cycle.start(victims.general("threads"));
    victim.awaitReady("all-wait", BOUND);
    return victim;
  }

  private static void passes(Victim victim) {
    victim.go("all-wait");
    assertThat(victim.verdict(BOUND)).isEqualTo(new Victim.Verdict.Passed());
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aCheckpointThatFailsLeavesItsTargetUntouchedOrAWholeImage(boolean leaveRunning, @TempDir Path work) {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = ready(cycle, victims);
      List<Moment> moments = new ArrayList<>();
      cycle.checkpoint(victim, cycle.newImage(), leaveRunning, steps(moments::add));
      if (!leaveRunning) {
        cycle.bury(victim);
        victim = ready(cycle, victims);
      }
      Path before = cycle.oracle().snapshot(victim.pid());
      Set<Long> children = Ground.children();
      boolean gone = false;
      List<Integer> ordinals = chosen(moments);
      for (int ordinal : ordinals) {
        if (gone) {
          victim = ready(cycle, victims);
          before = cycle.oracle().snapshot(victim.pid());
        }
        gone = failsAt(cycle, victim, ordinal, leaveRunning, before);
        Ground.noNewChildren(children);
      }
      told("failures of a checkpoint", ordinals, moments);
      if (!gone) {
        passes(victim);
      }
    }
  }

  /// @return whether the target is gone, as it may be once its image counts
  private static boolean failsAt(Cycle cycle, Victim victim, int ordinal, boolean leaveRunning, Path before) {
    Path image = cycle.newImage();
    int[] left = {ordinal};
    String[] at = {"no moment"};
    try {
      cycle.checkpoint(victim, image, leaveRunning, steps(moment -> {
        if (left[0]-- == 0) {
          at[0] = moment.toString();
          throw new Fault(moment);
        }
      }));
    } catch (Fault _) {
      assertThat(left[0]).isNegative();
    }
    try {
      return judge(cycle, victim, image, before);
    } catch (AssertionError | IllegalStateException e) {
      throw new AssertionError("after a fault at moment " + ordinal + ", " + at[0] + ": " + e.getMessage(), e);
    }
  }

  private static boolean judge(Cycle cycle, Victim victim, Path image, Path before) {
    boolean held = ImageStore.holdsImage(image);
    if (!held || victim.isAlive()) {
      Ground.isUntouched(cycle, victim, before);
      Ground.onlyTasks(cycle, Set.of(victim.pid()));
    } else {
      Ground.onlyTasks(cycle, Set.of());
    }
    if (held) {
      RestoreOutcome planned = cycle.plan(image);
      assertThat(planned).as(() -> Cycle.text(planned)).isInstanceOf(RestoreOutcome.Planned.class);
    }
    return !victim.isAlive();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anEngineKilledInACheckpointLeavesItsTargetUntouchedOrAWholeImage(boolean leaveRunning, @TempDir Path work)
      throws IOException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = ready(cycle, victims);
      List<Moment> moments = new ArrayList<>();
      cycle.checkpoint(victim, cycle.newImage(), leaveRunning, steps(moments::add));
      if (!leaveRunning) {
        cycle.bury(victim);
        victim = ready(cycle, victims);
      }
      Path before = cycle.oracle().snapshot(victim.pid());
      boolean gone = false;
      List<Integer> ordinals = deaths(moments.size());
      for (int ordinal : ordinals) {
        if (gone) {
          victim = ready(cycle, victims);
          before = cycle.oracle().snapshot(victim.pid());
        }
        Path image = cycle.newImage();
        EngineProcess.End end = EngineProcess.checkpoint(victim.pid(), image, leaveRunning, ordinal);
        try {
          assertThat(end.killed()).as(end.words()).isTrue();
          gone = judge(cycle, victim, image, before);
        } catch (AssertionError | IllegalStateException e) {
          throw new AssertionError("killed at moment " + ordinal + " " + end.words() + ": " + e.getMessage(), e);
        }
      }
      told("deaths of an engine in a checkpoint", ordinals, moments);
      if (!gone) {
        passes(victim);
      }
    }
  }

  @Test
  void aRestoreThatFailsOrIsKilledLeavesNothing(@TempDir Path work) throws IOException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = ready(cycle, victims);
      Path image = cycle.newImage();
      cycle.stored(victim, image, false);
      cycle.bury(victim);
      Set<Long> children = Ground.children();
      List<Moment> moments = new ArrayList<>();
      cycle.restore(image, steps(moments::add));
      cycle.end(victim);
      // At its last moment the program runs.
      moments.removeLast();
      List<Integer> failures = chosen(moments);
      for (int ordinal : failures) {
        int[] left = {ordinal};
        try {
          RestoreOutcome outcome = cycle.restore(image, steps(moment -> {
            if (left[0]-- == 0) {
              throw new Fault(moment);
            }
          }));
          assertThat(outcome).as("at " + moments.get(ordinal)).isNotInstanceOf(RestoreOutcome.Running.class);
        } catch (Fault _) {
          assertThat(left[0]).isNegative();
        }
        isGone(cycle, victim);
        Ground.noNewChildren(children);
      }
      told("failures of a restore", failures, moments);
      List<Integer> deaths = deaths(moments.size());
      for (int ordinal : deaths) {
        EngineProcess.End end = EngineProcess.restore(image, ordinal);
        assertThat(end.killed()).as(end.words()).isTrue();
        isGone(cycle, victim);
      }
      told("deaths of an engine in a restore", deaths, moments);
      cycle.running(image);
      passes(victim);
    }
  }

  private static void told(String what, List<Integer> ordinals, List<Moment> moments) {
    System.out.println(ordinals.size() + " " + what + ", which has " + moments.size() + " moments");
  }

  private static void isGone(Cycle cycle, Victim victim) {
    Ground.onlyTasks(cycle, Set.of());
    victim.awaitPidFree(BOUND);
  }

  /// Ordinals of moments to fail at, ascending.
  private static List<Integer> chosen(List<Moment> moments) {
    var byName = new TreeMap<String, List<Integer>>();
    for (int i = 0; i < moments.size(); i++) {
      String name = moments.get(i) instanceof Moment.At at ? at.step() : moments.get(i).getClass().getSimpleName();
      byName.computeIfAbsent(name, _ -> new ArrayList<>()).add(i);
    }
    Random random = new Random(SEED);
    return byName.values().stream().flatMap(all -> FULL ? all.stream() : List.of(all.getFirst(),
        all.get(random.nextInt(all.size()))).stream()).distinct().sorted().toList();
  }

  private static List<Integer> deaths(int moments) {
    Random random = new Random(SEED);
    return FULL ? java.util.stream.IntStream.range(0, moments).boxed().toList()
        : random.ints(DEATHS, 0, moments).distinct().sorted().boxed().toList();
  }
}
