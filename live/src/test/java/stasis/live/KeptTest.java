package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
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
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.kinds.Kinds;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.repository.CheckpointName;
import stasis.repository.Repository;
import stasis.testkit.Launcher;
import stasis.testkit.Victim;

/// Programs that are kept in a repository and brought back from there.
@Timeout(120)
final class KeptTest {
  private static final Duration BOUND = Duration.ofSeconds(60);

  private final Environment environment = LiveEnvironment.of("test");

  KeptTest() throws IOException {}

  private CheckpointReport keep(Victim victim, Path repository, boolean leaveRunning) {
    CheckpointOutcome outcome = new Checkpointer(Kinds.all(), environment).checkpoint(
        new CheckpointRequest(victim.pid(), Repository.destination(repository, "it"), leaveRunning, false,
            Optional.empty()), _ -> { });
    assertThat(outcome).isInstanceOf(CheckpointOutcome.Stored.class);
    return ((CheckpointOutcome.Stored) outcome).report();
  }

  private void carry(String name, String label, Path folder) {
    Victims victims = new Victims();
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.general(name));
      victim.awaitReady(label, BOUND);
      Path repository = folder.resolve("repository");

      CheckpointReport first = keep(victim, repository, true);
      CheckpointReport second = keep(victim, repository, false);
      victim.awaitPidFree(BOUND);

      assertThat(first.image()).isEqualTo("it@1");
      assertThat(second.image()).isEqualTo("it@2");
      assertThat(second.imageBytes()).isLessThan(first.imageBytes() / 2 + 300_000);
      RestoreOutcome restored = new Restorer(Kinds.all(), environment).restore(new RestoreRequest(
          Repository.origin(repository, CheckpointName.parse("it@2").orElseThrow()), false), _ -> { });
      assertThat(restored).isInstanceOf(RestoreOutcome.Running.class);
      victim.go(label);
      assertThat(victim.verdict(BOUND)).isEqualTo(new Victim.Verdict.Passed());
      assertThat(Syscalls.call(Nr.WAIT4, victim.pid().value(), 0, 0, 0)).isEqualTo(victim.pid().value());
    }
  }

  @Test
  void threadsComeBack(@TempDir Path folder) {
    carry("threads", "all-wait", folder);
  }

  @Test
  void aTreeWhoseTasksShareMuchMemoryComesBack(@TempDir Path folder) {
    carry("tree_copies", "copies", folder);
  }
}
