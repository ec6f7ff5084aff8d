package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Tid;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// A large program and its children share their memory afterwards as they did before, in the image and out of it.
@Timeout(300)
class ForksTest {
  private static final long MIB = Long.getLong("stasis.live.forks.mib", 500);
  private static final Percentage CLOSE = Percentage.withPercentage(10);

  @Test
  void tenForksOfALargeProgramShareWhatTheyShared(@TempDir Path work) throws IOException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(Program.of(victims.program("forks").program(), Long.toString(MIB)));
      victim.awaitReady("forks", Cycle.BOUND);
      long before = pssKib(victim.pid());
      Path image = cycle.newImage();

      long stored = cycle.stored(victim, image, false).pageBytes();
      cycle.bury(victim);
      cycle.running(image);

      assertThat(before).isBetween(MIB << 10, (MIB << 10) * 12 / 10);
      assertThat(stored).isLessThan((MIB << 20) * 12 / 10);
      assertThat(pssKib(victim.pid())).isCloseTo(before, CLOSE);
      victim.go("forks");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  /// Of a whole tree.
  private static long pssKib(Tid root) throws IOException {
    long sum = 0;
    for (Tid task : Cycle.tree(root)) {
      sum += Files.readAllLines(Path.of("/proc/" + task + "/smaps_rollup")).stream()
          .filter(line -> line.startsWith("Pss:")).mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).sum();
    }
    return sum;
  }
}
