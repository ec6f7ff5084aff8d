package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.resource.Obstacle;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// What is not carried yet is refused, by its own name, and the program goes on untouched.
class RefusedByNameTest {
  @Test
  void aProgramOf32Bits(@TempDir Path work) {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Program program = compat(victims);
      Victim victim = cycle.start(program);
      Path before = cycle.oracle().snapshot(victim.pid());

      assertThat(text(cycle.refuse(victim))).contains("it runs 32-bit code", "64-bit build");

      Ground.isUntouched(cycle, victim, before);
    }
  }

  private static Program compat(Victims victims) {
    try {
      return victims.program("compat", "-m32", "-nostdlib", "-static", "-ffreestanding", "-fno-pie", "-no-pie");
    } catch (IllegalStateException e) {
      assumeTrue(false, "needs a gcc that compiles for 32 bits");
      throw e;
    }
  }

  @Test
  void requestsOfAsynchronousIoInFlight(@TempDir Path work) {
    assertThat(refused("inflight", "needs io_setup(2)", work)).contains("io_submit", "in flight");
  }

  @Test
  void requestsOfAnIoUringInFlight(@TempDir Path work) {
    assertThat(refused("uring", "needs io_uring", work)).contains("io_uring", "1 requests in flight");
  }

  @Test
  void aUserfaultfdOfAnotherProcess(@TempDir Path work) {
    assertThat(refused("faults", "needs userfaultfd(2)", work)).contains("a userfaultfd cannot be carried",
        "memory of another process");
  }

  @Test
  void memoryUnderAProtectionKey(@TempDir Path work) {
    assertThat(refused("keys", "needs a CPU with protection keys", work)).contains("protection key");
  }

  @Test
  void tilesInUse(@TempDir Path work) {
    assertThat(refused("tiles", "needs a CPU with AMX", work)).contains("AMX tiles");
  }

  @Test
  void brothersWithOneMemoryThatIsNotTheirParents(@TempDir Path work) {
    assertThat(refused("brothers", "needs clone(2)", work)).contains("its memory and that of others are shared",
        "let the program end");
  }

  @Test
  void aSignalAtTheEndOfAParentWhoseFirstThreadHasEnded(@TempDir Path work) {
    assertThat(refused("orphaned", "needs prctl(2)", work)).contains("PR_SET_PDEATHSIG", "first thread has ended");
  }

  private static String refused(String name, String needs, Path work) {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.program(name));
      assertThat(Ground.waitFor(() -> !victim.labels().isEmpty())).as(victim.errors()).isTrue();
      assumeFalse(victim.labels().contains("none"), needs);
      Path before = cycle.oracle().snapshot(victim.pid());
      String said = text(cycle.refuse(victim));
      Ground.isUntouched(cycle, victim, before);
      victim.go("mapped");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
      return said;
    }
  }

  private static String text(List<Obstacle> obstacles) {
    return obstacles.stream().map(Obstacle::text).collect(Collectors.joining("\n"));
  }
}
