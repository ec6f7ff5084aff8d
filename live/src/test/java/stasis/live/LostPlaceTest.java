package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.Moment;
import stasis.kinds.Kinds;
import stasis.repository.ImageDestination;
import stasis.repository.ImageStore;
import stasis.repository.Repository;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// The place an image goes to is taken away while it is written: the checkpoint fails in one sentence, and the program
/// that was to be ended runs on.
@Timeout(120)
class LostPlaceTest {
  private static final List<String> STEPS = List.of("store.partial-created", "store.pages-written", "store.checked");

  private final Victims victims = new Victims();

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aFolderThatIsRemovedMeanwhileEndsInOneSentence(boolean kept, @TempDir Path work) {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(Program.of(victims.program("still").program(), "4"));
      victim.awaitReady("large", Cycle.BOUND);
      Path before = cycle.oracle().snapshot(victim.pid());
      int removed = 0;
      for (String step : STEPS) {
        Path place = work.resolve("place");
        ImageDestination destination = kept ? Repository.destination(place, "it")
            : ImageStore.destination(place, false);
        boolean[] seen = {false};
        CheckpointOutcome outcome = new Checkpointer(Kinds.all(), cycle.environment()).checkpoint(
            new CheckpointRequest(victim.pid(), destination, false, false, Optional.empty()), moment -> {
              if (moment.equals(new Moment.At(step))) {
                seen[0] = true;
                remove(place);
              }
            });
        if (seen[0]) {
          removed++;
          assertThat(outcome).as(step).isInstanceOfSatisfying(CheckpointOutcome.Failed.class,
              failed -> assertThat(failed.reason()).contains("place").doesNotContain("\n"));
          Ground.isUntouched(cycle, victim, before);
        }
        remove(place);
        if (!victim.isAlive()) {
          return;
        }
      }
      assertThat(removed).isPositive();
      victim.go("large");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  private static void remove(Path place) {
    if (!Files.exists(place)) {
      return;
    }
    try (Stream<Path> files = Files.walk(place)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /// A file may grow to all of the image but one byte.
  @Test
  void whatEndsOneByteTooEarlyIsNoImage(@TempDir Path work) throws IOException {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(Program.of(victims.program("still").program(), "1"));
      victim.awaitReady("large", Cycle.BOUND);
      Path whole = cycle.newImage();
      cycle.stored(victim, whole, true);
      long bytes = Files.size(whole.resolve(ImageStore.STATEFILE));
      Path before = cycle.oracle().snapshot(victim.pid());
      Path image = work.resolve("late/image");
      Files.createDirectories(image.getParent());

      EngineProcess.End end = EngineProcess.checkpointThrough(List.of("prlimit", "--fsize=" + (bytes - 1)),
          victim.pid(), image, false, work.resolve("log"));

      assertThat(end.words()).startsWith("Failed ").doesNotContain("\n").contains("cannot write");
      Ground.isUntouched(cycle, victim, before);
      assertThat(image).doesNotExist();
      victim.go("large");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }
}
