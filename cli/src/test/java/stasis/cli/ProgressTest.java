package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

final class ProgressTest {
  private static final long SECOND_NS = 1_000_000_000L;

  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private long nowNs;

  @Test
  void aTerminalLineIsOverwrittenAndTakenAway() {
    Progress progress = progress(true, Progress.Detail.NORMAL);

    progress.phase("store");
    nowNs = SECOND_NS;
    progress.bytes(1 << 20, 4 << 20);
    progress.finish();

    assertThat(printed())
        .isEqualTo("\rstore: 1.0 MiB of 4.0 MiB (25 %), 1.0 MiB/s, 3.0 s left\u001b[K\r\u001b[K");
  }

  @Test
  void aTerminalIsWrittenAtMostTenTimesASecond() {
    Progress progress = progress(true, Progress.Detail.NORMAL);

    progress.phase("store");
    for (int i = 1; i <= 1000; i++) {
      nowNs = i * SECOND_NS / 1000;
      progress.bytes(i, 1000);
    }

    assertThat(printed().chars().filter(c -> c == '\r').count()).isEqualTo(10);
  }

  @Test
  void aLogGetsALineEveryFiveSecondsWithoutControlCharacters() {
    Progress progress = progress(false, Progress.Detail.NORMAL);

    progress.phase("store");
    for (int i = 1; i <= 12; i++) {
      nowNs = i * SECOND_NS;
      progress.bytes(i, 12);
    }
    progress.finish();

    assertThat(printed().lines()).hasSize(2).allMatch(line -> line.chars().allMatch(c -> c >= ' '));
  }

  @Test
  void quietIsSilentAndOnlyVerboseShowsRemoteCalls() {
    Progress quiet = progress(true, Progress.Detail.QUIET);
    quiet.phase("store");
    nowNs = SECOND_NS;
    quiet.bytes(1, 2);
    quiet.remoteCall("[4711] dup(3) = 4");
    assertThat(printed()).isEmpty();

    Progress verbose = progress(false, Progress.Detail.VERBOSE);
    verbose.phase("collect");
    verbose.remoteCall("[4711] dup(3) = 4");
    assertThat(printed()).isEqualTo("collect\n[4711] dup(3) = 4\n");
  }

  private Progress progress(boolean terminal, Progress.Detail detail) {
    PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);
    return new Progress(new Console(stream, stream, terminal, terminal), detail, new Cancellation(), () -> nowNs);
  }

  private String printed() {
    return err.toString(StandardCharsets.UTF_8);
  }
}
