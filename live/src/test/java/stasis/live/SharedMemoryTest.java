package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
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
    return start(cycle, deed, "anonymous");
  }

  private Victim start(Cycle cycle, String deed, String kind) {
    Victim victim = cycle.start(Program.of(victims.program("shared_writers").program(), MIB, deed, kind));
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
  void whatProtectionCannotFollowIsCopiedStandingStill(String deed, @TempDir Path work) {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = start(cycle, deed);
      int again = 0;
      for (int round = 0; round < 2 * ROUNDS; round++) {
        CheckpointOutcome outcome = checkpoint(cycle, victim, cycle.newImage(), new ArrayList<>());
        assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
        again += overtaken(outcome, deed.equals("moves") ? "mremap" : "madvise") ? 1 : 0;
      }
      assertThat(again).isPositive();
      passes(victim);
    }
  }

  private static boolean overtaken(CheckpointOutcome outcome, String how) {
    return ((CheckpointOutcome.Stored) outcome).report().warnings().stream()
        .anyMatch(line -> line.startsWith("shared memory was copied standing still: ") && line.contains(how));
  }

  /// Memory that the program does not only map: what it writes by another way, while it is copied, has it copied again
  /// standing still, and told.
  @ParameterizedTest
  @CsvSource({"anonymous, remaps", "memfd, remaps", "open, maps", "open, describes"})
  void whatIsWrittenByAnotherWayMeanwhileIsNotInTheImage(String kind, String deed, @TempDir Path work)
      throws IOException {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = start(cycle, deed, kind);
      Path now = victim.folder().resolve("now");
      int again = 0;
      for (int round = 0; round < ROUNDS; round++) {
        Path image = cycle.newImage();
        if (kind.equals("open")) {
          awaitQuiet();
        }
        CheckpointOutcome outcome = cycle.checkpoint(victim, image, true, moment -> {
          if (moment.equals(PROTECTED)) {
            create(now);
          }
        });
        assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
        List<String> told = ((CheckpointOutcome.Stored) outcome).report().warnings();
        assertThat(Ground.waitFor(() -> Files.notExists(now))).as("written otherwise: %s", told).isTrue();
        again += overtaken(outcome, deed.equals("describes") ? "written to by a descriptor" : "mapped anew") ? 1 : 0;
        assertThat(victim.lines()).as("the program that ran on").noneMatch(line -> line.startsWith("FAIL"));
        if (round % 2 == 0) {
          cycle.end(victim);
          cycle.running(image);
        }
      }
      assertThat(again).isPositive();
      passes(victim);
    }
  }

  /// Memory that was written to by a descriptor a moment ago is copied standing still at once.
  private static void awaitQuiet() {
    for (long end = System.nanoTime() + 2_500_000_000L; System.nanoTime() < end;) {
      LockSupport.parkNanos(50_000_000);
    }
  }

  private static void create(Path file) {
    try {
      Files.createFile(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"memfd", "open"})
  void whatIsNoAnonymousMemoryIsProtectedToo(String kind, @TempDir Path work) {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = start(cycle, "writes", kind);
      awaitQuiet();
      var moments = new ArrayList<Moment>();
      Path image = cycle.newImage();
      CheckpointOutcome outcome = checkpoint(cycle, victim, image, moments);
      assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
      assertThat(moments).contains(PROTECTED);
      assertThat(((CheckpointOutcome.Stored) outcome).report().warnings()).isEmpty();
      cycle.end(victim);
      cycle.running(image);
      passes(victim);
    }
  }

  /// The kernel makes no userfaultfd for System V segments, and a file system that notes little of who maps its files tells
  /// nothing.
  @ParameterizedTest
  @ValueSource(strings = {"sysv", "deleted"})
  void whatCannotBeFollowedIsCopiedStandingStill(String kind, @TempDir Path work) throws IOException {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = start(cycle, "writes", kind);
      awaitQuiet();
      var moments = new ArrayList<Moment>();
      Path image = cycle.newImage();
      CheckpointOutcome outcome = checkpoint(cycle, victim, image, moments);
      assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
      boolean noted = kind.equals("deleted") && Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
          .noneMatch(line -> line.contains(" /dev/shm ") && line.matches(".*(rel|no)atime.*"));
      assertThat(moments.contains(PROTECTED)).isEqualTo(noted);
      cycle.end(victim);
      cycle.running(image);
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
