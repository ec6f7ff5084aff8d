package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.Environment;
import stasis.engine.Explanation;
import stasis.engine.LiveEnvironment;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.kinds.Kinds;
import stasis.linux.abi.Tid;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.testkit.Launcher;
import stasis.testkit.Victim;

/// Stasis as a library: a look, a checkpoint and a restore through the public API alone. Everything is passed in; no
/// call keeps anything once it has returned.
class LibraryTest {
  private static final Duration BOUND = Duration.ofSeconds(30);

  @Test
  void aProgramIsExplainedFrozenAndBroughtBack(@TempDir Path folder) throws IOException {
    var victims = new Victims();
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.general("threads"));
      victim.awaitReady("all-wait", BOUND);
      Tid pid = victim.pid();

      // The kinds that are known, and the host: the two things an operation stands on.
      Environment environment = LiveEnvironment.of("1.0");
      var checkpointer = new Checkpointer(Kinds.all(), environment);
      var restorer = new Restorer(Kinds.all(), environment);

      // What would come back, and what would refuse? The program is stopped for a look.
      Explanation explanation = checkpointer.explain(pid);
      assertThat(explanation.obstacles()).isEmpty();

      // Freeze, write, prove, end. A listener hears every moment; what it throws is a failure at that moment.
      Path image = folder.resolve("image");
      boolean leaveRunning = false;
      boolean strict = false;
      boolean force = false;
      var request = new CheckpointRequest(pid, image, leaveRunning, strict, force, Optional.empty());
      CheckpointOutcome stored = checkpointer.checkpoint(request, _ -> { });
      assertThat(stored).isInstanceOfSatisfying(CheckpointOutcome.Stored.class,
          done -> assertThat(done.report().threads()).isEqualTo(25));
      victim.awaitPidFree(BOUND);

      // The plan alone, then the restore. Its root is a child of this JVM, which takes its end.
      assertThat(restorer.restore(new RestoreRequest(image, true), _ -> { }))
          .isInstanceOf(RestoreOutcome.Planned.class);
      RestoreOutcome restored = restorer.restore(new RestoreRequest(image, false), _ -> { });
      assertThat(restored).isInstanceOfSatisfying(RestoreOutcome.Running.class,
          running -> assertThat(running.root()).isEqualTo(pid));
      victim.go("all-wait");
      assertThat(victim.verdict(BOUND)).isEqualTo(new Victim.Verdict.Passed());
      assertThat(Syscalls.call(Nr.WAIT4, pid.value(), 0, 0, 0)).isEqualTo(pid.value());
    }
  }
}
