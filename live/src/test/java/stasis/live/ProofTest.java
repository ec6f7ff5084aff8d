package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.image.Certificate;
import stasis.image.Limits;
import stasis.kinds.Kinds;
import stasis.repository.ImageReader;
import stasis.testkit.Victim;

/// Checkpoints that are proved: the copy is what the image says, the program runs on, and a copy that is not is told.
final class ProofTest {
  private static final Duration BOUND = Duration.ofSeconds(30);
  /// Any other by `-Dstasis.live.proof=`, a part of its label.
  private static final List<String> PROVED = List.of("file/regular", "file/pipe", "mapping/anonymous", "body/unix",
      "group/posixtimers");

  @BeforeEach
  void needsNamespaces() {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs CAP_SYS_ADMIN");
  }

  @TestFactory
  Stream<DynamicTest> aVictimIsProvedAndPasses(@TempDir Path work) throws IOException {
    var victims = new Victims();
    Optional<String> only = Optional.ofNullable(System.getProperty("stasis.live.proof"));
    return victims.sources().stream().filter(source -> only.map(Victims.label(source)::contains)
        .orElseGet(() -> PROVED.contains(Victims.label(source)))).map(source ->
            DynamicTest.dynamicTest(Victims.label(source), () -> proved(victims, source,
                work.resolve(Victims.label(source).replace('/', '-')))));
  }

  private static void proved(Victims victims, Path source, Path work) throws Exception {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.of(source));
      Ground.waitFor(() -> !victim.labels().isEmpty() || !victim.isAlive());
      assumeFalse(victim.labels().contains("refused"), "is refused");
      Path image = cycle.newImage();
      CheckpointOutcome outcome = new Checkpointer(Kinds.all(), cycle.environment()).checkpoint(
          new CheckpointRequest(victim.pid(), image, true, false, false, Optional.empty())
              .proved(ProofProcess.command()), _ -> { });
      if (System.getProperty("stasis.live.proof") != null) {
        System.out.println("PROOF " + Victims.label(source) + " " + Cycle.text(outcome).replaceAll(", losses.*", ""));
      }
      assertThat(outcome).as(() -> Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
      try (ImageReader reader = ImageReader.open(image)) {
        Certificate certificate = Certificate.decode(reader.certificate().orElseThrow(), Limits.DEFAULT);
        assertThat(certificate.tasks()).isPositive();
        assertThat(certificate.objects()).isGreaterThan(20);
      }
      assertThat(victim.runThrough(BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
    }
  }
}
