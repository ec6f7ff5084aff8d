package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.engine.CheckpointOutcome;
import stasis.engine.Moment;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// A tree whose orphans come to a member of it, a child subreaper or the init of its pid namespace, is copied while it
/// runs like any other, and its parents are told of no child but their own.
@Timeout(300)
class AdoptersTest {
  private static final int KILLS = Integer.getInteger("stasis.live.adopters.kills", 6);
  private static final int STORM = Integer.getInteger("stasis.live.adopters", 10);

  private final Victims victims = new Victims();

  private Victim start(Cycle cycle, String role, String deed) {
    assumeTrue(role.equals("subreaper") || Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_SYS_ADMIN");
    Victim victim = cycle.start(Program.of(victims.program("adopter").program(), role, deed));
    victim.awaitReady("adopting", Cycle.BOUND);
    return victim;
  }

  /// The child does its deed while the copies are read.
  private static void checkpoint(Cycle cycle, Victim victim, Path image, String deed) {
    List<Tid> worker = children(victim.pid());
    List<Moment> moments = new ArrayList<>();
    CheckpointOutcome outcome = cycle.checkpoint(victim, image, true, moment -> {
      moments.add(moment);
      if (moment instanceof Moment.Resumed && !Files.exists(victim.folder().resolve("go.deed"))) {
        happens(victim, worker.getFirst(), deed);
      }
    });
    assertThat(outcome).as(Cycle.text(outcome)).isInstanceOfSatisfying(CheckpointOutcome.Stored.class,
        stored -> assertThat(stored.report().warnings()).isEmpty());
    assertThat(moments).contains(new Moment.Snapshot());
  }

  private static void happens(Victim victim, Tid worker, String deed) {
    try {
      Files.createFile(victim.folder().resolve("go.deed"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Path proc = Path.of("/proc/" + worker);
    assertThat(Ground.waitFor(() -> switch (deed) {
      case "ends" -> !Files.exists(proc);
      case "executes" -> commandLine(proc).contains("executed");
      default -> true;
    })).isTrue();
  }

  private static String commandLine(Path proc) {
    try {
      return Files.readString(proc.resolve("cmdline"));
    } catch (IOException e) {
      return "";
    }
  }

  private static List<Tid> children(Tid parent) {
    try {
      String list = Files.readString(Path.of("/proc/" + parent + "/task/" + parent + "/children")).strip();
      return list.isEmpty() ? List.of() : Stream.of(list.split(" ")).map(pid -> new Tid(Integer.parseInt(pid))).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void passes(Victim victim) {
    victim.go("adopting");
    assertThat(victim.verdict(Cycle.BOUND)).as("%s", victim.lines()).isEqualTo(new Victim.Verdict.Passed());
  }

  @ParameterizedTest
  @ValueSource(strings = {"stays", "ends", "executes"})
  void aSubreaperSeesNoneOfTheCopies(String deed, @TempDir Path work) {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = start(cycle, "subreaper", deed);
      for (int round = 0; round < 3; round++) {
        checkpoint(cycle, victim, cycle.newImage(), deed);
      }
      passes(victim);
    }
  }

  @Test
  void noneOfAStormOfChildrenIsTakenForAnother(@TempDir Path work) {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = start(cycle, "subreaper", "storm");
      for (int round = 0; round < STORM; round++) {
        CheckpointOutcome outcome = cycle.checkpoint(victim, cycle.newImage(), true, _ -> { });
        assertThat(outcome).as(Cycle.text(outcome)).isInstanceOfSatisfying(CheckpointOutcome.Stored.class,
            stored -> assertThat(stored.report().warnings()).isEmpty());
        assertThat(victim.lines()).noneMatch(line -> line.startsWith("FAIL"));
      }
      passes(victim);
    }
  }

  /// By an engine inside the namespace, as in a container.
  @ParameterizedTest
  @ValueSource(strings = {"stays", "storm"})
  void anInitSeesNoneOfTheCopies(String deed, @TempDir Path work) throws IOException {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = start(cycle, "init", deed);
      Tid init = children(victim.pid()).getFirst();
      for (int round = 0; round < 3; round++) {
        Path image = cycle.newImage();
        EngineProcess.End end = EngineProcess.checkpointThrough(
            List.of("nsenter", "--pid", "--mount", "--target", init.toString()), new Tid(1), image, true,
            Path.of(image + ".log"));
        assertThat(end.words()).startsWith("Stored").doesNotContain("no snapshot");
        assertThat(image).exists();
        assertThat(victim.lines()).noneMatch(line -> line.startsWith("FAIL"));
      }
      passes(victim);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"stays", "ends", "executes"})
  void itComesBackFromAnImageMadeWhileItRan(String deed, @TempDir Path work) {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = start(cycle, "subreaper", deed);
      Path image = cycle.newImage();
      checkpoint(cycle, victim, image, deed);
      cycle.end(victim);
      cycle.running(image);
      passes(victim);
    }
  }

  @Test
  void anEngineThatIsKilledAtAnyMomentLeavesASubreaperThatSawNothing(@TempDir Path work) throws IOException {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = start(cycle, "subreaper", "stays");
      var moments = new ArrayList<Moment>();
      CheckpointOutcome outcome = cycle.checkpoint(victim, cycle.newImage(), true, moment -> {
        if (!(moment instanceof Moment.Calls)) {
          moments.add(moment);
        }
      });
      assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
      int first = moments.indexOf(new Moment.At("relief.noted"));
      int last = moments.lastIndexOf(new Moment.At("relief.ended"));
      assertThat(first).isNotNegative();
      assertThat(last).isGreaterThan(first);
      int killed = 0;
      for (int i = 0; i <= KILLS; i++) {
        // The last falls into the copying, behind them all.
        EngineProcess.End end = EngineProcess.checkpoint(victim.pid(), cycle.newImage(), true,
            i == KILLS ? moments.indexOf(new Moment.Committed()) - 1 : first + (last - first) * i / (KILLS - 1));
        killed += end.killed() ? 1 : 0;
        assertThat(Ground.waitFor(() -> Ground.stopped(victim.pid()).isEmpty())).isTrue();
        assertThat(victim.lines()).noneMatch(line -> line.startsWith("FAIL"));
      }
      assertThat(killed).isGreaterThan(KILLS / 2);
      passes(victim);
    }
  }
}
