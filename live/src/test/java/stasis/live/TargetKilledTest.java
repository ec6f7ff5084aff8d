package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stasis.engine.CheckpointOutcome;
import stasis.engine.Moment;
import stasis.engine.RestoreOutcome;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.repository.ImageStore;
import stasis.testkit.Victim;

/// A task of the tree is killed in the middle, as the kernel does it when memory runs out: what comes of the checkpoint
/// is whole or nothing, and said in one sentence; nothing hangs and nothing is left.
@Timeout(180)
class TargetKilledTest {
  private static final String LABEL = "threads";
  /// At how many moments of a checkpoint; `-Dstasis.live.kills=N` for all of them.
  private static final int KILLS = Integer.getInteger("stasis.live.kills", 4);

  private final Victims victims = new Victims();

  private Victim ready(Cycle cycle) {
    Victim victim = cycle.start(victims.general("tree_threads"));
    victim.awaitReady(LABEL, Cycle.BOUND);
    return victim;
  }

  private static String name(Moment moment) {
    return moment instanceof Moment.At(String step) ? step : moment.getClass().getSimpleName();
  }

  /// The ordinals of the first moments of each name, as many of those as are tried.
  private static List<Integer> chosen(List<String> names) {
    List<Integer> first = new LinkedHashSet<>(names).stream().map(names::indexOf).toList();
    int count = Math.min(KILLS, first.size());
    return IntStream.range(0, count).mapToObj(i -> first.get((int) ((i + 0.5) * first.size() / count))).toList();
  }

  @ParameterizedTest
  @CsvSource({"false,false", "true,false", "false,true", "true,true"})
  void aTreeOneOfWhichIsKilledIsStoredWholeOrNotAtAll(boolean leaveRunning, boolean child, @TempDir Path work) {
    try (var cycle = new Cycle(victims, work)) {
      List<String> names = new ArrayList<>();
      Victim first = ready(cycle);
      cycle.checkpoint(first, cycle.newImage(), leaveRunning, moment -> noted(names, moment));
      first.close();
      int stored = 0;
      for (int ordinal : chosen(names)) {
        Victim victim = ready(cycle);
        Tid target = child ? Cycle.tree(victim.pid()).getLast() : victim.pid();
        Path image = cycle.newImage();
        Set<Long> children = Ground.children();
        List<String> seen = new ArrayList<>();

        CheckpointOutcome outcome = cycle.checkpoint(victim, image, leaveRunning, moment -> {
          if (noted(seen, moment) && seen.size() == ordinal + 1) {
            Syscalls.call(Nr.KILL, target.value(), 9);
          }
        });

        String what = "killed at " + names.get(ordinal)
            + (outcome instanceof CheckpointOutcome.Stored ? "" : ": " + Cycle.text(outcome));
        boolean whole = outcome instanceof CheckpointOutcome.Stored;
        assertThat(ImageStore.holdsImage(image)).as(what).isEqualTo(whole);
        if (!whole) {
          assertThat(Cycle.text(outcome)).as(what).isNotBlank();
        }
        assertThat(Ground.stopped(victim.pid())).as(what).isEmpty();
        Ground.noNewChildren(children);
        cycle.tasks().forEach(task -> Syscalls.call(Nr.KILL, task.value(), 9));
        Ground.onlyTasks(cycle, Set.of());
        victim.awaitPidFree(Cycle.BOUND);
        if (whole) {
          stored++;
          cycle.running(image);
          // What had ended before the freeze is ended in the image, and the program finds that out.
          if (ordinal >= names.indexOf("Frozen")) {
            victim.go(LABEL);
            assertThat(victim.verdict(Cycle.BOUND)).as(what).isEqualTo(new Victim.Verdict.Passed());
          }
          cycle.tasks().forEach(task -> Syscalls.call(Nr.KILL, task.value(), 9));
          cycle.reap(victim.pid());
          Ground.onlyTasks(cycle, Set.of());
        }
      }
      System.out.printf("killed at %d moments, of which %d after the image was whole%n", chosen(names).size(), stored);
    }
  }

  private static boolean noted(List<String> names, Moment moment) {
    return !(moment instanceof Moment.Calls) && !(moment instanceof Moment.Progress) && names.add(name(moment));
  }

  @Test
  void aTaskOfARestoreThatIsKilledLeavesNothingOfItAndTheNextRestoreSucceeds(@TempDir Path work) {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = ready(cycle);
      Path image = cycle.newImage();
      cycle.stored(victim, image, false);
      cycle.bury(victim);
      Set<Long> children = Ground.children();
      for (Moment at : List.of(new Moment.TasksBorn(0), new Moment.BeforeRelease())) {
        RestoreOutcome outcome = cycle.restore(image, moment -> {
          if (moment.getClass().equals(at.getClass())) {
            Syscalls.call(Nr.KILL, victim.pid().value(), 9);
          }
        });
        assertThat(outcome).as(Cycle.text(outcome)).isInstanceOfSatisfying(RestoreOutcome.Failed.class,
            failed -> assertThat(failed.reason()).isNotBlank().doesNotContain("\n"));
        Ground.onlyTasks(cycle, Set.of());
        Ground.noNewChildren(children);
      }
      cycle.running(image);
      victim.go(LABEL);
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
      cycle.reap(victim.pid());
    }
  }
}
