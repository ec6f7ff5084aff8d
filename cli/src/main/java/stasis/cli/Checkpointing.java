package stasis.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import stasis.cli.Engine.CheckpointOrder;
import stasis.cli.Engine.Checkpointed;
import stasis.cli.Engine.Figures;
import stasis.cli.Engine.Outcome;
import stasis.engine.DeadlineReport;
import stasis.engine.EmbedReport;
import stasis.engine.PreCopyReport;
import stasis.engine.TrackReport;

/// A `checkpoint` whose command line has been read.
record Checkpointing(Session session, CheckpointOrder order, JsonOption json, Verbosity verbosity)
    implements Callable<Integer> {
  @Override
  public Integer call() throws IOException {
    Report report = Report.of(session.console(), json);
    Progress progress = verbosity.progress(session);
    Outcome<Checkpointed> outcome = session.engine().checkpoint(order, progress);
    progress.finish();
    if (!(outcome instanceof Outcome.Done<Checkpointed>(Checkpointed result))) {
      return report.unsuccessful(outcome).code();
    }
    if (!json.takesStdout() && !verbosity.quiet()) {
      print(result);
    }
    List<Json.Member> particular = new ArrayList<>();
    particular.add(Json.member("image", Json.text(result.image())));
    particular.add(Json.member("frozen_ms", Json.millis(result.frozenNs())));
    result.tracked().ifPresent(tracked -> particular.add(Json.member("tracking", json(tracked))));
    result.preCopied().ifPresent(copied -> particular.add(Json.member("pre_copy", json(copied))));
    result.embedded().ifPresent(embedded -> particular.add(Json.member("embedded", json(embedded))));
    result.deadline().ifPresent(deadline -> particular.add(Json.member("deadline", json(deadline))));
    return report.done(particular, result.figures()).code();
  }

  private static Json json(PreCopyReport copied) {
    return Json.object(
        Json.member("rounds", new Json.Items(copied.rounds().stream().map(round -> Json.object(
            Json.member("read_bytes", Json.number(round.readBytes())),
            Json.member("stopped_ms", Json.millis(round.stoppedNs())),
            Json.member("lasted_ms", Json.millis(round.lastedNs())))).toList())),
        Json.member("converged", new Json.Flag(copied.converged())),
        Json.member("last_bytes", Json.number(copied.lastBytes())));
  }

  private static Json json(EmbedReport embedded) {
    return Json.object(
        Json.member("files", Json.number(embedded.files())),
        Json.member("content_bytes", Json.number(embedded.contentBytes())),
        Json.member("copied_in_freeze_bytes", Json.number(embedded.copiedBytes())),
        Json.member("cloned_in_freeze_bytes", Json.number(embedded.clonedBytes())));
  }

  private static Json json(DeadlineReport deadline) {
    return Json.object(
        Json.member("within_ms", Json.millis(deadline.withinNs())),
        Json.member("left_ms", Json.millis(deadline.leftNs())),
        Json.member("bytes_per_second", Json.number(deadline.bytesPerSecond())));
  }

  private static Json json(TrackReport tracked) {
    List<Json.Member> members = new ArrayList<>();
    tracked.since().ifPresent(since -> members.add(Json.member("since", Json.text(since))));
    members.add(Json.member("read_bytes", Json.number(tracked.readBytes())));
    members.add(Json.member("kept_bytes", Json.number(tracked.keptBytes())));
    members.add(Json.member("tracked_bytes", Json.number(tracked.trackedBytes())));
    return new Json.Members(members);
  }

  private void print(Checkpointed result) {
    Figures figures = result.figures();
    // Standard output may be where the image went.
    PrintStream out = order.image() instanceof ImageAt.Piped ? session.console().err() : session.console().out();
    out.printf("%s (%s, %s) is in %s%s%n", order.root(), Units.count(figures.tasks(), "task"),
        Units.count(figures.threads(), "thread"), result.image(),
        order.leaveRunning() ? " and runs on" : " and has ended");
    out.printf("frozen %s, total %s, image %s of which pages %s%n",
        Units.duration(result.frozenNs()), Units.duration(figures.totalNs()), Units.bytes(figures.imageBytes()),
        Units.bytes(figures.pageBytes()));
    result.tracked().ifPresent(tracked -> out.println(tracked.since().map(since -> "read " + Units.bytes(
        tracked.readBytes()) + ", the rest was not written since " + since).orElse("all pages were read")
        + (order.leaveRunning() ? "; tracked from here on: " + Units.bytes(tracked.trackedBytes()) : "")));
    result.preCopied().ifPresent(copied -> out.println("copied while it ran: " + copied.rounds().stream().map(
        round -> Units.bytes(round.readBytes()) + " in " + Units.duration(round.lastedNs())).collect(
            Collectors.joining(", ")) + "; in the freeze " + Units.bytes(copied.lastBytes())));
    result.embedded().ifPresent(embedded -> out.println("took along " + Units.count(embedded.files(), "file") + ", "
        + Units.bytes(embedded.contentBytes()) + (order.leaveRunning() ? "; of that in the freeze copied "
            + Units.bytes(embedded.copiedBytes()) + ", cloned " + Units.bytes(embedded.clonedBytes()) : "")));
    result.deadline().filter(deadline -> deadline.leftNs() >= 0).ifPresent(deadline -> out.println("there "
        + Units.duration(deadline.leftNs()) + " before the deadline"));
    out.print(LossTable.render(figures.losses(), verbosity.verbose()));
  }
}
