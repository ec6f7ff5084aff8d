package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.Environment;
import stasis.engine.LiveEnvironment;
import stasis.engine.Redaction;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.image.Limits;
import stasis.image.LossRow;
import stasis.image.Statefile;
import stasis.kinds.Kinds;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.repository.ImageReader;
import stasis.repository.ImageStore;
import stasis.testkit.Launcher;
import stasis.testkit.Victim;

/// A secret that is in a program in many places, and in no image of it.
@Timeout(120)
final class RedactionTest {
  private static final Duration BOUND = Duration.ofSeconds(60);
  private static final String SECRET = "s3cr3t-0f-4ll-s3cr3ts";

  private final Environment environment = LiveEnvironment.of("test");

  RedactionTest() throws IOException {}

  private CheckpointOutcome checkpoint(Victim victim, Path image, Redaction redaction, boolean leaveRunning) {
    return new Checkpointer(Kinds.all(), environment).checkpoint(new CheckpointRequest(victim.pid(),
        redaction.applied(ImageStore.destination(image, false)), leaveRunning, false, Optional.empty()), _ -> { });
  }

  private static boolean holds(Path image, String words) throws IOException {
    return Files.readString(image.resolve(ImageStore.STATEFILE), StandardCharsets.ISO_8859_1).contains(words);
  }

  @Test
  void theSecretsBytesAreNowhereInTheImageAndTheProgramFindsZeros(@TempDir Path folder) throws Exception {
    Victims victims = new Victims();
    try (Launcher launcher = victims.launcher(folder)) {
      Launcher.Program program = victims.program("secrets");
      Victim victim = launcher.start(new Launcher.Program(program.program(), List.of(SECRET),
          program.environment()).with("TOKEN=" + SECRET));
      victim.awaitReady("held", BOUND);
      Path open = folder.resolve("open");
      Path image = folder.resolve("image");
      Redaction redaction = new Redaction(List.of(Bytes.of(SECRET.getBytes(StandardCharsets.US_ASCII))),
          List.of("TOKEN"), true);

      CheckpointOutcome plain = checkpoint(victim, open, Redaction.NONE, true);
      assertThat(plain).as(Cycle.text(plain)).isInstanceOf(CheckpointOutcome.Stored.class);
      assertThat(holds(open, SECRET)).isTrue();
      assertThat(holds(open, "h".repeat(4096))).isTrue();
      CheckpointOutcome wiped = checkpoint(victim, image, redaction, false);
      assertThat(wiped).as(Cycle.text(wiped)).isInstanceOf(CheckpointOutcome.Stored.class);
      victim.awaitPidFree(BOUND);

      assertThat(holds(image, SECRET)).isFalse();
      assertThat(holds(image, "h".repeat(4096))).isFalse();
      try (ImageReader reader = ImageReader.open(image)) {
        assertThat(Statefile.decode(reader.metadata(), reader.pageBytes(), Limits.DEFAULT).losses())
            .extracting(LossRow::subject).contains("environment variable TOKEN", "1 byte pattern",
                "memory marked MADV_DONTDUMP");
      }
      RestoreOutcome restored = new Restorer(Kinds.all(), environment).restore(
          new RestoreRequest(() -> ImageReader.open(image), false), _ -> { });
      assertThat(restored).as(Cycle.text(restored)).isInstanceOf(RestoreOutcome.Running.class);
      victim.go("held");
      assertThat(victim.verdict(BOUND)).isEqualTo(new Victim.Verdict.Passed());
      assertThat(Syscalls.call(Nr.WAIT4, victim.pid().value(), 0, 0, 0)).isEqualTo(victim.pid().value());
    }
  }
}
