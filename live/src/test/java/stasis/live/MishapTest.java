package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.engine.CheckpointOutcome;
import stasis.engine.RestoreOutcome;
import stasis.repository.ImageStore;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// What the world does to a checkpoint: the target ends or becomes another program meanwhile, the folder takes nothing,
/// the file is damaged. Each ends in a sentence, and nothing is left behind.
class MishapTest {
  private static final int TRIES = 12;
  private static final int STEP_US = 1500;

  @ParameterizedTest
  @ValueSource(strings = {"exit", "exec"})
  void aTargetThatLeavesDuringItsCheckpointIsStoredWholeOrNotAtAll(String how, @TempDir Path work) {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      for (int i = 0; i < TRIES; i++) {
        Victim victim = cycle.start(Program.of(victims.program("leaves").program(), how,
            Integer.toString(i * STEP_US)));
        victim.awaitReady("set", Cycle.BOUND);
        Path image = cycle.newImage();
        victim.go("set");
        CheckpointOutcome outcome = cycle.checkpoint(victim, image, true, _ -> { });
        boolean stored = outcome instanceof CheckpointOutcome.Stored;
        assertThat(ImageStore.holdsImage(image)).as(Cycle.text(outcome)).isEqualTo(stored);
        if (how.equals("exit")) {
          assertThat(victim.verdict(Cycle.BOUND)).as(Cycle.text(outcome)).isEqualTo(new Victim.Verdict.Passed());
          Ground.onlyTasks(cycle, Set.of());
        } else {
          assertThat(Ground.waitFor(() -> isSleep(victim))).as(Cycle.text(outcome)).isTrue();
          Ground.onlyTasks(cycle, Set.of(victim.pid()));
          victim.close();
        }
      }
    }
  }

  private static boolean isSleep(Victim victim) {
    try {
      return Files.readString(Path.of("/proc/" + victim.pid() + "/comm")).equals("sleep\n");
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void aFolderThatCannotBeMadeEndsInOneSentence(@TempDir Path work) {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.general("threads"));
      victim.awaitReady("all-wait", Cycle.BOUND);
      Path before = cycle.oracle().snapshot(victim.pid());
      for (Path image : new Path[] {Path.of("/proc/stasis-image"), work.resolve("no/such/folder")}) {
        CheckpointOutcome outcome = cycle.checkpoint(victim, image, false, _ -> { });
        assertThat(outcome).isInstanceOfSatisfying(CheckpointOutcome.Failed.class,
            failed -> assertThat(failed.reason()).contains(image.getFileName().toString()));
        Ground.isUntouched(cycle, victim, before);
      }
    }
  }

  /// Bytes changed at random offsets, and the file cut short: a restore says one sentence, and starts nothing.
  @Test
  void aDamagedStatefileIsRefusedInOneSentence(@TempDir Path work) throws IOException {
    var victims = new Victims();
    long seed = Long.getLong("stasis.live.seed", System.nanoTime() & 0xffff);
    System.out.println("damage seed " + seed);
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.general("threads"));
      victim.awaitReady("all-wait", Cycle.BOUND);
      Path image = cycle.newImage();
      cycle.stored(victim, image, false);
      cycle.bury(victim);
      Path statefile = image.resolve(ImageStore.STATEFILE);
      byte[] whole = Files.readAllBytes(statefile);
      Random random = new Random(seed);
      Files.setPosixFilePermissions(statefile, PosixFilePermissions.fromString("rw-------"));
      for (int i = 0; i < TRIES; i++) {
        int at = i < 4 ? random.nextInt(4096) : random.nextInt(whole.length);
        try (var file = new RandomAccessFile(statefile.toFile(), "rw")) {
          file.seek(at);
          file.write(whole[at] ^ (1 << random.nextInt(8)));
        }
        isRefused(cycle, image, "byte " + at);
        Files.write(statefile, whole);
      }
      for (int length : new int[] {0, 7, 4096, whole.length / 2, whole.length - 1}) {
        Files.write(statefile, java.util.Arrays.copyOf(whole, length));
        isRefused(cycle, image, "cut to " + length);
      }
      Files.write(statefile, whole);
      cycle.running(image);
      victim.go("all-wait");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  private static void isRefused(Cycle cycle, Path image, String what) {
    RestoreOutcome outcome = cycle.restore(image, _ -> { });
    assertThat(outcome).as(what).isInstanceOfSatisfying(RestoreOutcome.Failed.class,
        failed -> assertThat(failed.reason()).isNotBlank().doesNotContain("\n"));
    Ground.onlyTasks(cycle, Set.of());
  }
}
