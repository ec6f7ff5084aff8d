package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
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
import stasis.engine.Moment;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.kinds.Kinds;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.repository.CheckpointName;
import stasis.repository.ImageDestination;
import stasis.repository.ImageOrigin;
import stasis.repository.ImageReader;
import stasis.repository.ImageStore;
import stasis.repository.Key;
import stasis.repository.KeyFiles;
import stasis.repository.Keys;
import stasis.repository.Policy;
import stasis.repository.Protection;
import stasis.repository.Repository;
import stasis.repository.SigningKey;
import stasis.testkit.Launcher;
import stasis.testkit.Victim;

/// Programs that are kept in a repository and brought back from there.
@Timeout(120)
final class KeptTest {
  private static final Keys ENCRYPTED = new Keys(List.of(new Key.KeyFile(Bytes.hex("42".repeat(32)))));
  private static final Duration BOUND = Duration.ofSeconds(60);

  private final Environment environment = LiveEnvironment.of("test");

  KeptTest() throws IOException {}

  private CheckpointReport keep(Victim victim, ImageDestination destination, boolean leaveRunning) {
    CheckpointOutcome outcome = new Checkpointer(Kinds.all(), environment).checkpoint(
        new CheckpointRequest(victim.pid(), destination, leaveRunning, false, Optional.empty()), _ -> { });
    assertThat(outcome).isInstanceOf(CheckpointOutcome.Stored.class);
    return ((CheckpointOutcome.Stored) outcome).report();
  }

  private void carry(String name, String label, Path folder, Keys keys) {
    Victims victims = new Victims();
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.general(name));
      victim.awaitReady(label, BOUND);
      Path repository = folder.resolve("repository");
      ImageDestination destination = Repository.destination(repository, "it", Protection.of(keys));

      CheckpointReport first = keep(victim, destination, true);
      CheckpointReport second = keep(victim, destination, false);
      victim.awaitPidFree(BOUND);

      assertThat(first.image()).isEqualTo("it@1");
      assertThat(second.image()).isEqualTo("it@2");
      assertThat(second.imageBytes()).isLessThan(first.imageBytes() / 2 + 300_000);
      assertComesBack(victim, label, Repository.origin(repository, CheckpointName.parse("it@2").orElseThrow(), keys));
    }
  }

  private void assertComesBack(Victim victim, String label, ImageOrigin origin) {
    RestoreOutcome restored = new Restorer(Kinds.all(), environment).restore(new RestoreRequest(origin, false),
        _ -> { });
    assertThat(restored).as(Cycle.text(restored)).isInstanceOf(RestoreOutcome.Running.class);
    victim.go(label);
    assertThat(victim.verdict(BOUND)).isEqualTo(new Victim.Verdict.Passed());
    assertThat(Syscalls.call(Nr.WAIT4, victim.pid().value(), 0, 0, 0)).isEqualTo(victim.pid().value());
  }

  @Test
  void threadsComeBack(@TempDir Path folder) {
    carry("threads", "all-wait", folder, Keys.NONE);
  }

  @Test
  void aTreeWhoseTasksShareMuchMemoryComesBack(@TempDir Path folder) {
    carry("tree_copies", "copies", folder, Keys.NONE);
  }

  @Test
  void aTreeComesBackFromAnEncryptedRepository(@TempDir Path folder) {
    carry("tree_copies", "copies", folder, ENCRYPTED);
  }

  @Test
  void threadsComeBackFromAnEncryptedFolder(@TempDir Path folder) {
    Victims victims = new Victims();
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.general("threads"));
      victim.awaitReady("all-wait", BOUND);
      Path image = folder.resolve("image");
      CheckpointReport report = keep(victim, ImageStore.destination(image, false, Protection.of(ENCRYPTED)), false);
      victim.awaitPidFree(BOUND);

      assertThat(report.imageBytes()).isEqualTo(image.resolve(ImageStore.STATEFILE).toFile().length());
      assertComesBack(victim, "all-wait", () -> ImageReader.open(image, ENCRYPTED));
    }
  }

  @Test
  void whatAPolicyDoesNotAcceptIsRefusedBeforeAnythingIsMadeOfIt(@TempDir Path folder) throws Exception {
    KeyFiles.generate(KeyFiles.Kind.SIGNING, folder.resolve("key"));
    SigningKey key = KeyFiles.signingKey(folder.resolve("key"));
    Policy nobody = new Policy(folder.resolve("policy"), Map.of());
    Policy signer = new Policy(folder.resolve("policy"), Map.of(key.publicKey(), "us"));
    Victims victims = new Victims();
    try (Launcher launcher = victims.launcher(folder)) {
      Victim victim = launcher.start(victims.general("threads"));
      victim.awaitReady("all-wait", BOUND);
      Path image = folder.resolve("image");
      keep(victim, ImageStore.destination(image, false, new Protection(Keys.NONE, Optional.of(key))), false);
      victim.awaitPidFree(BOUND);
      ImageOrigin origin = () -> ImageReader.open(image);

      assertThat(new Restorer(Kinds.all(), environment).restore(new RestoreRequest(nobody.guard(origin), false),
          _ -> { })).isInstanceOf(RestoreOutcome.Refused.class);
      assertTamperedPagesAreFoundFirst(image.resolve(ImageStore.STATEFILE), signer.guard(origin));
      assertComesBack(victim, "all-wait", signer.guard(origin));
    }
  }

  private void assertTamperedPagesAreFoundFirst(Path file, ImageOrigin origin) throws Exception {
    byte[] good = Files.readAllBytes(file);
    byte[] bad = good.clone();
    bad[good.length / 2] ^= 1;
    Files.write(file, bad);
    List<Moment> seen = new ArrayList<>();
    RestoreOutcome outcome = new Restorer(Kinds.all(), environment).restore(new RestoreRequest(origin, false),
        seen::add);
    assertThat(outcome).isInstanceOfSatisfying(RestoreOutcome.Failed.class,
        failed -> assertThat(failed.reason()).contains("has damaged pages at bytes "));
    assertThat(seen).as("no task was made").isEmpty();
    Files.write(file, good);
  }
}
