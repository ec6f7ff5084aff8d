package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.engine.CheckpointOutcome;
import stasis.engine.Moment;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// Shared memory that is written to, by several processes and the kernel, while it is copied behind a write protection:
/// the image shows one instant, and whatever ends the copying the program goes on.
@Timeout(300)
class SharedMemoryTest {
  private static final String MIB = "256";
  private static final Moment PROTECTED = new Moment.At("shared-protected");
  private static final int ROUNDS = Integer.getInteger("stasis.live.shared", 3);

  private final Victims victims = new Victims();

  @BeforeEach
  void needsRoot() {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_SYS_PTRACE");
  }

  private Victim start(Cycle cycle, String deed) {
    Victim victim = cycle.start(Program.of(victims.program("shared_writers").program(), MIB, deed));
    victim.awaitReady("running", Cycle.BOUND);
    return victim;
  }

  private static CheckpointOutcome checkpoint(Cycle cycle, Victim victim, Path image, List<Moment> moments) {
    return cycle.checkpoint(victim, image, true, moments::add);
  }

  private static void passes(Victim victim) {
    victim.go("running");
    assertThat(victim.verdict(Cycle.BOUND)).as("%s", victim.lines()).isEqualTo(new Victim.Verdict.Passed());
  }

  @Test
  void anImageShowsTheInstantOfTheFreezeAlthoughAllIsWrittenToMeanwhile(@TempDir Path work) {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = start(cycle, "writes");
      for (int round = 0; round < ROUNDS; round++) {
        var moments = new ArrayList<Moment>();
        Path image = cycle.newImage();
        CheckpointOutcome outcome = checkpoint(cycle, victim, image, moments);
        assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
        assertThat(moments).contains(PROTECTED);
        assertThat(victim.lines()).as("the program that ran on").noneMatch(line -> line.startsWith("FAIL"));
        cycle.end(victim);
        cycle.running(image);
      }
      passes(victim);
    }
  }

  /// As user nobody, who may not make such userfaultfds: the right is lent.
  @Test
  void aProgramOfAnotherUserIsFollowedToo(@TempDir Path work) throws IOException {
    Files.setPosixFilePermissions(work, PosixFilePermissions.fromString("rwxr-xr-x"));
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = start(cycle, "nobody");
      var moments = new ArrayList<Moment>();
      Path image = cycle.newImage();
      CheckpointOutcome outcome = checkpoint(cycle, victim, image, moments);
      assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
      assertThat(moments).contains(PROTECTED);
      cycle.end(victim);
      cycle.running(image);
      passes(victim);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"removes", "moves"})
  void whatProtectionCannotFollowIsRefusedByNameOrStoredWhole(String deed, @TempDir Path work) {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = start(cycle, deed);
      int refused = 0;
      for (int round = 0; round < 2 * ROUNDS; round++) {
        var moments = new ArrayList<Moment>();
        CheckpointOutcome outcome = checkpoint(cycle, victim, cycle.newImage(), moments);
        if (outcome instanceof CheckpointOutcome.Refused) {
          assertThat(Cycle.text(outcome)).contains("shared memory", deed.equals("moves") ? "mremap" : "madvise");
          refused++;
        } else {
          assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
        }
      }
      assertThat(refused).isPositive();
      passes(victim);
    }
  }

  @Test
  void anEngineThatIsKilledWhileItCopiesLeavesTheProgramAsItIs(@TempDir Path work) throws IOException {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = start(cycle, "writes");
      var moments = new ArrayList<Moment>();
      CheckpointOutcome outcome = cycle.checkpoint(victim, cycle.newImage(), true, moment -> {
        if (!(moment instanceof Moment.Calls)) {
          moments.add(moment);
        }
      });
      assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
      int first = moments.indexOf(PROTECTED);
      assertThat(first).isNotNegative();
      int last = moments.indexOf(new Moment.Committed()) - 1;
      assertThat(last).isGreaterThan(first);
      int killed = 0;
      for (int i = 0; i <= ROUNDS; i++) {
        int ordinal = first + (last - first) * i / (ROUNDS + 1);
        EngineProcess.End end = EngineProcess.checkpoint(victim.pid(), cycle.newImage(), true, ordinal);
        // One with less to copy has fewer moments.
        killed += end.killed() ? 1 : 0;
        assertThat(end.killed() || i > 0).as("at moment %d: %s", ordinal, end).isTrue();
        assertThat(Ground.waitFor(() -> Ground.stopped(victim.pid()).isEmpty())).as("at moment %d", ordinal).isTrue();
        assertThat(victim.lines()).noneMatch(line -> line.startsWith("FAIL"));
      }
      assertThat(killed).isGreaterThan(1);
      passes(victim);
    }
  }
}
