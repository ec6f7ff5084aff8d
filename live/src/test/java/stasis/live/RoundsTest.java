package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.procfs.ProcException;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// Many rounds leave a program as large as one does. `-Dstasis.live.rounds=N` for other numbers of them.
class RoundsTest {
  private static final int ROUNDS = Integer.getInteger("stasis.live.rounds", 100);
  private static final int FEW = Math.min(ROUNDS, 15);
  /// Pages the kernel touches at its own times, as stacks of threads that ran further.
  private static final long RSS_SLACK_KB = 256;

  private record Size(long vmas, long fds, long rssKb) {}

  @Test
  void aProgramDoesNotGrowByItsRounds(@TempDir Path work) throws IOException, ProcException {
    var victims = new Victims();
    rounds(victims, victims.program("rounds"), FEW, work.resolve("plain"));
  }

  @Test
  void aProgramWithDeletedFilesDoesNotGrowEither(@TempDir Path work) throws IOException, ProcException {
    var victims = new Victims();
    rounds(victims, victims.program("rounds", "-DWITH_DELETED"), ROUNDS, work.resolve("deleted"));
  }

  private static void rounds(Victims victims, Program program, int rounds, Path work)
      throws IOException, ProcException {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(Program.of(program.program(), Integer.toString(rounds)));
      Size first = new Size(0, 0, 0);
      Size last = first;
      for (int i = 0; i < rounds; i++) {
        String label = Integer.toString(i);
        victim.awaitReady(label, Cycle.BOUND);
        Path image = cycle.newImage();
        cycle.stored(victim, image, false);
        cycle.bury(victim);
        cycle.running(image);
        Files.delete(image.resolve("statefile"));
        if (i == 1) {
          first = size(victim);
        } else if (i > 1) {
          last = size(victim);
          assertThat(last.vmas()).as("vmas in round %d", i).isEqualTo(first.vmas());
          assertThat(last.fds()).as("fds in round %d", i).isEqualTo(first.fds());
          assertThat(last.rssKb()).as("RSS in round %d", i).isLessThanOrEqualTo(first.rssKb() + RSS_SLACK_KB);
        }
        victim.go(label);
      }
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
      System.out.printf("%d rounds: %s after the second, %s after the last%n", rounds, first, last);
    }
  }

  private static Size size(Victim victim) throws IOException, ProcException {
    Path proc = Path.of("/proc/" + victim.pid());
    try (Stream<Path> fds = Files.list(proc.resolve("fd")); Stream<String> maps = Files.lines(proc.resolve("maps"));
        Stream<String> status = Files.lines(proc.resolve("status"))) {
      String rss = status.filter(line -> line.startsWith("RssAnon:")).findFirst().orElseThrow();
      return new Size(maps.count(), fds.count(), Long.parseLong(rss.replaceAll("\\D", "")));
    }
  }
}
