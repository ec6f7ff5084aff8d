package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointReport;
import stasis.engine.Moment;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.repository.ImageStore;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// Memory runs out around a program that is checkpointed: the kernel ends a process of it, and the checkpoint says so
/// and leaves nothing; or what the checkpoint itself makes would be too much, and the program must not pay for it.
@Timeout(180)
class OutOfMemoryTest {
  private static final long MIB = 1 << 20;
  private static final int BALLAST_MIB = 24;
  /// Less than the program has: it is the program that the kernel takes.
  private static final int HOG_MIB = 4;
  private static final int SIGKILL = 9;
  /// At how many moments of a checkpoint; `-Dstasis.live.kills=N` for all of them.
  private static final int KILLS = Integer.getInteger("stasis.live.kills", 2);

  private static final int ROUNDS = 10;

  private final Victims victims = new Victims();

  /// In the cgroup before it has taken its memory.
  private Victim ready(Cycle cycle, MemoryCgroup cgroup, String who, String how) throws IOException {
    Program program = victims.program("memory_tree");
    Victim victim = cycle.start(Program.of(program.program(), Integer.toString(BALLAST_MIB), who, how));
    victim.awaitReady("start", Cycle.BOUND);
    cgroup.add(victim.pid());
    victim.go("start");
    victim.awaitReady("full", Cycle.BOUND);
    return victim;
  }

  /// Wants more than there is.
  private Victim hog(Cycle cycle, MemoryCgroup cgroup) throws IOException {
    Victim hog = cycle.start(Program.of(victims.program("hog").program(), Integer.toString(HOG_MIB)));
    hog.awaitReady("hungry", Cycle.BOUND);
    cgroup.add(hog.pid());
    return hog;
  }

  private static String name(Moment moment) {
    return moment instanceof Moment.At(String step) ? step : moment.getClass().getSimpleName();
  }

  private static boolean noted(List<String> names, Moment moment) {
    return !(moment instanceof Moment.Calls) && !(moment instanceof Moment.Progress) && names.add(name(moment));
  }

  /// Ordinals of moments from the freeze to the image that counts, each of another name.
  private static List<Integer> chosen(List<String> names) {
    List<Integer> first = new LinkedHashSet<>(names.subList(names.indexOf("Frozen"), names.indexOf("Committed")))
        .stream().map(names::indexOf).toList();
    int count = Math.min(KILLS, first.size());
    return IntStream.range(0, count).mapToObj(i -> first.get(i * first.size() / count)).toList();
  }

  private static void end(Cycle cycle, Victim victim) {
    cycle.tasks().forEach(task -> Syscalls.call(Nr.KILL, task.value(), SIGKILL));
    Ground.onlyTasks(cycle, Set.of());
    victim.awaitPidFree(Cycle.BOUND);
  }

  @ParameterizedTest
  @CsvSource({"false,parent", "false,child", "true,parent"})
  void aTreeOfWhichTheKernelEndsOneIsStoredWholeOrNotAtAll(boolean leaveRunning, String who, @TempDir Path work)
      throws IOException {
    try (MemoryCgroup cgroup = MemoryCgroup.make(); var cycle = new Cycle(victims, work)) {
      List<String> names = new ArrayList<>();
      Victim first = ready(cycle, cgroup, who, "rests");
      cycle.checkpoint(first, cycle.newImage(), leaveRunning, moment -> noted(names, moment));
      end(cycle, first);
      var told = new ArrayList<String>();
      for (int ordinal : chosen(names)) {
        Victim victim = ready(cycle, cgroup, who, "rests");
        Victim hog = hog(cycle, cgroup);
        Ground.Stray ground = Ground.Stray.now();
        Tid target = who.equals("child") ? Cycle.tree(victim.pid()).getLast() : victim.pid();
        Path image = cycle.newImage();
        Set<Long> children = Ground.children();
        List<String> seen = new ArrayList<>();
        long kills = cgroup.kills();

        CheckpointOutcome outcome = cycle.checkpoint(victim, image, leaveRunning, moment -> {
          if (noted(seen, moment) && seen.size() == ordinal + 1) {
            runOut(cgroup, hog);
          }
        });

        String what = "at " + names.get(ordinal) + ": "
            + (outcome instanceof CheckpointOutcome.Stored ? "stored" : Cycle.text(outcome));
        told.add(what);
        assertThat(cgroup.kills()).as(what).isGreaterThan(kills);
        boolean whole = outcome instanceof CheckpointOutcome.Stored;
        assertThat(ImageStore.holdsImage(image)).as(what).isEqualTo(whole);
        // The copy goes first; but as long as the program has written nothing, that frees nothing.
        assertThat(whole || Cycle.text(outcome).matches("refused: \\[task " + target + ": it (was|and the copy of its "
            + "memory were) ended .*")).as(what).isTrue();
        assertThat(Ground.waitFor(() -> !cycle.tasks().contains(target))).as(what).isTrue();
        assertThat(Ground.stopped(victim.pid())).as(what).isEmpty();
        Ground.noNewChildren(children);
        end(cycle, victim);
        ground.isAsItWas();
        cgroup.unlimited();
        if (whole) {
          cycle.running(image);
          victim.go("full");
          assertThat(victim.verdict(Cycle.BOUND)).as(what).isEqualTo(new Victim.Verdict.Passed());
          cycle.reap(victim.pid());
          end(cycle, victim);
        }
      }
      System.out.println(String.join("\n", told));
    }
  }

  /// The kernel ends the greatest of those it may.
  private static void runOut(MemoryCgroup cgroup, Victim hog) {
    tighten(cgroup);
    hog.go("hungry");
    assertThat(hog.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
  }

  private static void tighten(MemoryCgroup cgroup) {
    try {
      cgroup.limit(cgroup.usedBytes() + MIB);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// The copies of a copy-on-write image count against the program's own limit.
  @ParameterizedTest
  @CsvSource({"false", "true"})
  void aProgramCloseToItsLimitThatWritesSurvivesItsCheckpoint(boolean room, @TempDir Path work) throws IOException {
    try (MemoryCgroup cgroup = MemoryCgroup.make(); var cycle = new Cycle(victims, work)) {
      Victim victim = ready(cycle, cgroup, "parent", "writes");
      cgroup.limit(cgroup.usedBytes() + (room ? 2 : 1) * BALLAST_MIB * MIB - BALLAST_MIB * MIB / 2);
      Path image = cycle.newImage();

      CheckpointReport report = cycle.stored(victim, image, true);

      if (room) {
        assertThat(report.warnings()).isEmpty();
      } else {
        assertThat(report.warnings()).singleElement().asString().startsWith("no snapshot: the program stood still")
            .contains(cgroup.folder() + "/" + cgroup.limitFile() + " has room for ");
      }
      assertThat(cgroup.kills()).isZero();
      victim.go("full");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
      cgroup.unlimited();
      victim.awaitPidFree(Cycle.BOUND);
      Files.delete(victim.folder().resolve("go.full"));
      cycle.running(image);
      victim.go("full");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
      cycle.reap(victim.pid());
      end(cycle, victim);
    }
  }

  /// What there was room for when it was looked at may be gone when the program writes. Once in thirty times the kernel
  /// would take the program as well, were the copy's pages not freed before it exits ([stasis.tracee.Snapshot]).
  @RepeatedTest(ROUNDS)
  void whereMemoryRunsOutAfterAllTheCopyIsEndedAndNotTheProgram(@TempDir Path work) throws IOException {
    try (MemoryCgroup cgroup = MemoryCgroup.make(); var cycle = new Cycle(victims, work)) {
      Victim victim = ready(cycle, cgroup, "child", "writes");
      Path image = cycle.newImage();
      Set<Long> children = Ground.children();
      Ground.Stray ground = Ground.Stray.now();

      CheckpointOutcome outcome = cycle.checkpoint(victim, image, true, moment -> {
        if (moment instanceof Moment.Snapshot) {
          tighten(cgroup);
        } else if (moment instanceof Moment.Resumed) {
          assertThat(Ground.waitFor(() -> cgroup.kills() > 0)).as("out of memory").isTrue();
        }
      });

      assertThat(Cycle.text(outcome)).startsWith("refused: ").contains(": the copy of its memory was ended before it "
          + "was stored", "--pre-copy");
      assertThat(image).doesNotExist();
      Ground.noNewChildren(children);
      ground.isAsItWas();
      assertThat(cgroup.kills()).as("only the copy").isEqualTo(1);
      victim.go("full");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }
}
