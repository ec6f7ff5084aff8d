package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointReport;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.Environment;
import stasis.engine.LiveEnvironment;
import stasis.engine.PreCopyReport;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.engine.TrackOrder;
import stasis.kinds.Kinds;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.repository.CheckpointName;
import stasis.repository.Repository;
import stasis.testkit.Launcher;
import stasis.testkit.Victim;

/// Memory that is copied while a program rewrites it is all of the moment of the freeze in the end.
@Timeout(120)
final class PreCopyTest {
  private static final long MEMORY_BYTES = 16L << 20;

  private final Environment environment = LiveEnvironment.of("test");
  private final Victims victims = new Victims();

  PreCopyTest() throws IOException {}

  private CheckpointReport checkpoint(Victim victim, Path repository, boolean leaveRunning, int rounds) {
    CheckpointOutcome outcome = new Checkpointer(Kinds.all(), environment).checkpoint(
        new CheckpointRequest(victim.pid(), Repository.destination(repository, "it"), leaveRunning, false,
            Optional.empty(), TrackOrder.OFF, rounds), _ -> { });
    assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
    return ((CheckpointOutcome.Stored) outcome).report();
  }

  private Tid restored(Path repository, int number) {
    RestoreOutcome restored = new Restorer(Kinds.all(), environment).restore(new RestoreRequest(
        Repository.origin(repository, CheckpointName.parse("it@" + number).orElseThrow()), false), _ -> { });
    assertThat(restored).as(Cycle.text(restored)).isInstanceOf(RestoreOutcome.Running.class);
    return ((RestoreOutcome.Running) restored).root();
  }

  private static void assertEnds(Tid root) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment status = arena.allocate(4);
      assertThat(Syscalls.call(Nr.WAIT4, root.value(), status.address(), 0, 0)).isEqualTo(root.value());
      assertThat(status.get(ValueLayout.JAVA_INT, 0)).as("exit status").isZero();
    }
  }

  @Test
  void whatIsRewrittenWhileItIsCopiedComesBackWhole(@TempDir Path folder) {
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.program("rewriting"));
      victim.awaitReady("rewriting", Cycle.BOUND);
      Path repository = folder.resolve("repository");

      PreCopyReport running = checkpoint(victim, repository, true, 3).preCopied().orElseThrow();
      PreCopyReport ended = checkpoint(victim, repository, false, 5).preCopied().orElseThrow();
      victim.awaitPidFree(Cycle.BOUND);

      for (PreCopyReport report : new PreCopyReport[] {running, ended}) {
        assertThat(report.rounds()).hasSizeGreaterThan(1);
        assertThat(report.rounds().getFirst().readBytes()).isGreaterThan(2 * MEMORY_BYTES - (2 << 20));
        assertThat(report.lastBytes()).isLessThan(report.rounds().getFirst().readBytes());
      }
      Tid last = restored(repository, 2);
      victim.go("rewriting");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
      assertEnds(last);
      assertEnds(restored(repository, 1));
    }
  }

  @Test
  void oneRoundIsEnoughForAProgramThatWritesLittle(@TempDir Path folder) {
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.program("tracked", "-pthread"));
      victim.awaitReady("round0", Cycle.BOUND);
      CheckpointReport report = checkpoint(victim, folder.resolve("repository"), false, 5);

      assertThat(report.preCopied().orElseThrow().converged()).isTrue();
      assertThat(report.preCopied().orElseThrow().rounds()).hasSizeLessThan(3);
      assertThat(report.preCopied().orElseThrow().lastBytes()).isLessThan(2 << 20);
      assertThat(report.warnings()).noneMatch(told -> told.contains("converged"));
    }
  }
}
