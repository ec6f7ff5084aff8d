package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.cli.Engine.CheckpointOrder;
import stasis.cli.Engine.Checkpointed;
import stasis.cli.Engine.Outcome;
import stasis.engine.EmbedOrder;
import stasis.engine.PreCopyReport;
import stasis.engine.TrackOrder;
import stasis.engine.TrackReport;
import stasis.kinds.Outside;
import stasis.kinds.TcpPeers;
import stasis.linux.abi.Tid;

final class CheckpointVerbTest {
  private static final ImageAt FOLDER = new ImageAt.Folder(Path.of("/i"));

  private final FakeEngine engine = new FakeEngine();

  @Test
  void everyFlagReachesTheEngine() {
    CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i", "--leave-running", "--strict", "--max-freeze",
        "250", "--force", "--tcp-close");

    assertThat(engine.orders).containsExactly(
        new CheckpointOrder(new Tid(4711), FOLDER, true, true, true, Optional.of(250_000_000L),
            Outside.of(TcpPeers.CLOSE)));
  }

  @Test
  void connectionsToTheOutsideAreKeptOrGivenUpNotBoth() {
    CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i", "--tcp-established");
    CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i", "--tcp-established", "--tcp-close");

    assertThat(engine.orders).containsExactly(
        new CheckpointOrder(new Tid(4711), FOLDER, false, false, false, Optional.empty(), Outside.of(TcpPeers.KEEP)));
  }

  @Test
  void whatLeadsOutBecomesWhatIsAskedFor() {
    CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i", "--external-pipe=null",
        "--external-unix=disconnect");
    CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i", "--external-pipe=inherit",
        "--external-unix=reconnect");
    CommandLineRun wrong = CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i", "--external-pipe=nil");

    assertThat(engine.orders).extracting(order -> ((CheckpointOrder) order).outside()).containsExactly(
        new Outside(TcpPeers.REFUSE, Outside.Pipes.NULL, Outside.Sockets.DISCONNECT),
        new Outside(TcpPeers.REFUSE, Outside.Pipes.INHERIT, Outside.Sockets.RECONNECT));
    assertThat(wrong.err()).contains("--external-pipe is null or inherit");
  }

  @Test
  void trackingNeedsARepository() {
    CommandLineRun.of(engine, "checkpoint", "4711", "--repo", "/r", "--name", "it", "--leave-running", "--track");
    CommandLineRun.of(engine, "checkpoint", "4711", "--repo", "/r", "--name", "it", "--track-huge");
    CommandLineRun wrong = CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i", "--track");

    assertThat(engine.orders).extracting(order -> ((CheckpointOrder) order).track())
        .containsExactly(TrackOrder.ON, TrackOrder.HUGE_TOO);
    assertThat(wrong.status()).isEqualTo(2);
    assertThat(wrong.err()).contains("--track goes with --repo");
  }

  @Test
  void copyingAheadNeedsARepositoryAndHasRounds() {
    CommandLineRun.of(engine, "checkpoint", "4711", "--repo", "/r", "--name", "it", "--pre-copy");
    CommandLineRun.of(engine, "checkpoint", "4711", "--repo", "/r", "--name", "it", "--pre-copy=3");
    CommandLineRun folder = CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i", "--pre-copy");
    CommandLineRun both = CommandLineRun.of(engine, "checkpoint", "4711", "--repo", "/r", "--name", "it", "--pre-copy",
        "--track");
    CommandLineRun none = CommandLineRun.of(engine, "checkpoint", "4711", "--repo", "/r", "--name", "it",
        "--pre-copy=0");

    assertThat(engine.orders).extracting(order -> ((CheckpointOrder) order).preCopyRounds()).containsExactly(5, 3);
    assertThat(folder.err()).contains("--pre-copy goes with --repo");
    assertThat(both.err()).contains("without --track");
    assertThat(none.err()).contains("1 round or more");
  }

  @Test
  void whatCopyingAheadCameToIsTold() {
    engine.checkpoint = new Outcome.Done<>(new Checkpointed("it@2", 1, FakeEngine.FIGURES, Optional.empty(),
        Optional.of(new PreCopyReport(List.of(new PreCopyReport.Round(8192, 1_000_000, 2_000_000)), true, 4096)),
        Optional.empty(), Optional.empty()));
    CommandLineRun text = CommandLineRun.of(engine, "checkpoint", "4711", "--repo", "/r", "--name", "it",
        "--pre-copy");
    CommandLineRun json = CommandLineRun.of(engine, "checkpoint", "4711", "--repo", "/r", "--name", "it",
        "--pre-copy", "--json");

    assertThat(text.out()).contains("copied while it ran: 8.0 KiB in 2.00 ms; in the freeze 4.0 KiB");
    assertThat(json.out()).contains("\"stopped_ms\": 1.000", "\"converged\": true", "\"last_bytes\": 4096");
  }

  @Test
  void whatTrackingCameToIsTold() {
    engine.checkpoint = new Outcome.Done<>(new Checkpointed("it@2", 1, FakeEngine.FIGURES,
        Optional.of(new TrackReport(Optional.of("it@1"), 4096, 8192, 12288, Optional.empty())), Optional.empty(),
        Optional.empty(),
        Optional.empty()));
    CommandLineRun text = CommandLineRun.of(engine, "checkpoint", "4711", "--repo", "/r", "--name", "it", "--track");
    CommandLineRun json = CommandLineRun.of(engine, "checkpoint", "4711", "--repo", "/r", "--name", "it", "--track",
        "--json");

    assertThat(text.out()).contains("read 4.0 KiB, the rest was not written since it@1");
    assertThat(json.out()).contains("\"since\": \"it@1\"", "\"read_bytes\": 4096", "\"kept_bytes\": 8192");
  }

  @Test
  void withoutFlagsTheProgramEndsAndNothingIsReplaced() {
    CommandLineRun.of(engine, "checkpoint", "4711", "--image=/i");

    assertThat(engine.orders).containsExactly(
        new CheckpointOrder(new Tid(4711), FOLDER, false, false, false, Optional.empty(), Outside.REFUSED));
  }

  @Test
  void theJsonReportHasTheKeysOfTheContract() {
    CommandLineRun run = CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i", "--json");

    assertThat(run.out()).isEqualTo("""
        {
          "outcome": "done",
          "image": "/i",
          "frozen_ms": 12.345,
          "total_ms": 20.500,
          "image_bytes": 9000,
          "page_bytes": 8192,
          "tasks": 1,
          "threads": 3,
          "phases": {
            "freeze": 1.000
          },
          "losses": [
            {
              "subject": "task 4711",
              "kind": "task.comm",
              "exactness": "exact",
              "detail": "",
              "remedy": ""
            },
            {
              "subject": "task 4711 fd 3",
              "kind": "file.inotify",
              "exactness": "approximate",
              "detail": "queued events are lost",
              "remedy": "read them first"
            }
          ],
          "warnings": [
            "a warning"
          ]
        }
        """);
  }

  @Test
  void aNumberAfterJsonIsThePid() {
    CommandLineRun run = CommandLineRun.of(engine, "checkpoint", "--image", "/i", "--json", "4711");

    assertThat(run.status()).isZero();
    assertThat(run.out()).startsWith("{");
  }

  @Test
  void jsonInAFileLeavesStdoutToPeople(@TempDir Path folder) throws IOException {
    CommandLineRun run = CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i",
        "--json=" + folder.resolve("report"));

    assertThat(Files.readString(folder.resolve("report"))).startsWith("{\n  \"outcome\": \"done\"");
    assertThat(run.out()).contains("frozen 12 ms").contains("queued events are lost").contains("1 resource exact");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(folder.resolve("report"));
    }
  }

  @Test
  void quietSaysNothingOnSuccessButWarnings() {
    CommandLineRun run = CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i", "--quiet");

    assertThat(run.out() + run.err()).isEqualTo("stasis: a warning\n");
  }

  @Test
  void aRefusalShowsAllObstaclesAndIsStatusThree() {
    engine.checkpoint = new Outcome.Refused<>(List.of(FakeEngine.REFUSED, FakeEngine.REFUSED));

    CommandLineRun run = CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i");

    assertThat(run.status()).isEqualTo(3);
    assertThat(run.err()).startsWith("stasis: refused, 2 obstacles\n").contains("nobody knows it; remedy: close it");
  }

  @Test
  void aFailureIsStatusFourAndACancellation130() {
    engine.checkpoint = new Outcome.Failed<>("the disk is full");
    CommandLineRun failed = CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i", "--json");
    engine.checkpoint = new Outcome.Cancelled<>();
    CommandLineRun cancelled = CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i");

    assertThat(failed.status()).isEqualTo(4);
    assertThat(failed.out()).contains("\"outcome\": \"failed\"").contains("\"error\": \"the disk is full\"");
    assertThat(cancelled.status()).isEqualTo(130);
  }

  @Test
  void usageErrorsAreOneSentenceAndStatusTwo() {
    for (String line : List.of("checkpoint", "checkpoint 0 --image /i", "checkpoint x --image /i", "checkpoint 4711",
        "checkpoint 4711 --image /i --max-freeze 0", "checkpoint 4711 --image /i --bogus", "nonsense")) {
      CommandLineRun run = CommandLineRun.of(engine, line.split(" "));

      assertThat(run.status()).as(line).isEqualTo(2);
      assertThat(run.err().lines()).as(line).hasSize(1);
    }
    assertThat(CommandLineRun.of(engine).status()).isEqualTo(2);
    assertThat(engine.orders).isEmpty();
  }

  @Test
  void whatAVerbLetsThroughIsAFailureNotATrace(@TempDir Path folder) {
    CommandLineRun run = CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i",
        "--json=" + folder.resolve("no/such/folder"));

    assertThat(run.status()).isEqualTo(4);
    assertThat(run.err()).contains("no/such").doesNotContain("\tat ");
  }

  @Test
  void anImageForAPipeNeedsAProgramThatGoesOnOrAnotherSideThatAnswers() {
    for (String line : List.of("checkpoint 7 --image -", "checkpoint 7 --image - --leave-running --json",
        "checkpoint 7 --image - --leave-running --commit-fd 3", "checkpoint 7 --image i --commit-fd 3",
        "checkpoint 7 --image - --repo r --leave-running", "checkpoint 7", "checkpoint 7 --repo r",
        "checkpoint 7 --repo r --name a/b")) {
      CommandLineRun run = CommandLineRun.of(engine, line.split(" "));
      assertThat(run.status()).as(line).isEqualTo(2);
      assertThat(run.err().lines()).as(line).hasSize(1);
    }
    assertThat(engine.orders).isEmpty();
    CommandLineRun run = CommandLineRun.of(engine, "checkpoint", "7", "--image", "-", "--commit-fd", "3");
    assertThat(run.out()).isEmpty();
    assertThat(engine.orders).containsExactly(new CheckpointOrder(new Tid(7),
        new ImageAt.Piped(Optional.of(new CommitFd(3))), false, false, false, Optional.empty(), Outside.REFUSED));
  }

  @Test
  void filesGoAlongOnDemandAndWithinABound() {
    CommandLineRun.of(engine, "checkpoint", "7", "--image", "/i", "--embed-files");
    CommandLineRun.of(engine, "checkpoint", "7", "--image", "/i", "--embed-files=16");
    CommandLineRun redacted = CommandLineRun.of(engine, "checkpoint", "7", "--image", "/i", "--embed-files",
        "--redact", "text:secret");

    assertThat(engine.orders).extracting(order -> ((CheckpointOrder) order).embed()).containsExactly(EmbedOrder.ALL,
        new EmbedOrder(true, 16 << 20));
    assertThat(redacted.status()).isEqualTo(2);
    assertThat(redacted.err()).contains("--embed-files goes without --redact");
  }

  @Test
  void aDeadlineIsATimeAndCopiesAhead() {
    CommandLineRun.of(engine, "checkpoint", "7", "--repo", "/r", "--name", "it", "--deadline", "25s");
    CommandLineRun.of(engine, "checkpoint", "7", "--repo", "/r", "--name", "it", "--deadline=2m", "--if-late=go-on",
        "--pre-copy=3");

    CheckpointOrder first = (CheckpointOrder) engine.orders.getFirst();
    CheckpointOrder second = (CheckpointOrder) engine.orders.getLast();
    assertThat(first.deadline().orElseThrow().withinNs()).isEqualTo(25_000_000_000L);
    assertThat(first.deadline().orElseThrow().spentNs()).as("by this process so far").isPositive();
    assertThat(first.deadline().orElseThrow().goOn()).isFalse();
    assertThat(first.preCopyRounds()).isEqualTo(10);
    assertThat(second.deadline().orElseThrow().goOn()).isTrue();
    assertThat(second.preCopyRounds()).isEqualTo(3);
    for (String line : List.of("--image /i --deadline 25s", "--repo /r --name it --deadline 25",
        "--repo /r --name it --deadline 0s", "--repo /r --name it --if-late=go-on",
        "--repo /r --name it --deadline 1s --if-late=never", "--repo /r --name it --deadline 1s --track")) {
      CommandLineRun run = CommandLineRun.of(engine, ("checkpoint 7 " + line).split(" "));
      assertThat(run.status()).as(line).isEqualTo(2);
      assertThat(run.err()).as(line).contains(line.contains("if-late") ? "--if-late" : "--deadline");
    }
  }
}
