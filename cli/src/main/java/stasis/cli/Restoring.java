package stasis.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import stasis.cli.Engine.Outcome;
import stasis.cli.Engine.RestoreOrder;
import stasis.cli.Engine.Restored;
import stasis.engine.FilePolicy;
import stasis.engine.Place;
import stasis.engine.RestoreRequest;
import stasis.kinds.AddressMap;

/// A `restore` whose command line has been read.
record Restoring(Session session, ImageAt image, boolean detach, boolean tcpEstablished, AddressMap addresses,
    Optional<Path> pidfile, boolean dryRun, boolean lazy, Place place, FilePolicy files, JsonOption json,
    Verbosity verbosity)
    implements Callable<Integer> {
  @Override
  public Integer call() throws IOException, InterruptedException {
    Report report = Report.ofRestore(session.console(), json);
    Progress progress = verbosity.progress(session);
    if (dryRun) {
      return printPlan(session.engine().plan(image, addresses, place, files, progress), report, progress);
    }
    Outcome<Restored> outcome = session.engine()
        .restore(new RestoreOrder(image, detach, tcpEstablished, addresses, lazily(), place, files),
            progress);
    progress.finish();
    if (!(outcome instanceof Outcome.Done<Restored>(Restored result))) {
      return report.unsuccessful(outcome).code();
    }
    if (!detach) {
      session.relaySignals().accept(result.program()::signal);
    }
    tell(result, report);
    Optional<Filling> filling = result.late().map(late -> new Filling(session.console(), json, verbosity, late,
        result.program().pid().value()));
    if (detach) {
      filling.ifPresent(rest -> rest.detached(session.leave()));
      return ExitStatus.DONE.code();
    }
    Optional<Thread> beside = filling.map(Filling::beside);
    int status = result.program().await();
    if (beside.isPresent()) {
      // Children of the program may live on, and lack pages still.
      beside.get().join();
    }
    return status;
  }

  private Optional<RestoreRequest.Lazily> lazily() {
    return lazy ? Optional.of(new RestoreRequest.Lazily(image.touched())) : Optional.empty();
  }

  private int printPlan(Outcome<String> outcome, Report report, Progress progress) throws IOException {
    progress.finish();
    if (!(outcome instanceof Outcome.Done<String>(String program))) {
      return report.unsuccessful(outcome).code();
    }
    json.write(Json.object(
        Json.member("outcome", Json.text("done")),
        Json.member("program", new Json.Items(program.lines().map(Json::text).toList()))), session.console());
    if (!json.takesStdout()) {
      session.console().out().print(program);
    }
    return ExitStatus.DONE.code();
  }

  /// The program runs by now, so nothing here may fail the restore: a pidfile that cannot be written is told.
  private void tell(Restored result, Report report) {
    int pid = result.program().pid().value();
    try {
      if (pidfile.isPresent()) {
        writePidfile(pidfile.get().toAbsolutePath(), pid);
      }
      List<Json.Member> members = new ArrayList<>(List.of(
          Json.member("restore_ms", Json.millis(result.restoreNs())),
          Json.member("pid", Json.number(pid)),
          Json.member("pid_inside", Json.number(result.program().pidInside().value()))));
      result.late().ifPresent(late -> members.add(
          Json.member("late_bytes", Json.number(late.figures().lateBytes()))));
      report.done(members, result.figures());
    } catch (IOException e) {
      session.console().say(pid + " runs, but " + e.getMessage() + " could not be written");
    }
    if (detach && !json.takesStdout()) {
      session.console().out().println(pid);
    }
    if (!verbosity.quiet()) {
      int inside = result.program().pidInside().value();
      session.console().say("%d%s runs again after %s%s".formatted(pid, inside == pid ? ""
          : " (" + inside + " in a pid namespace of its own)", Units.duration(result.restoreNs()),
          result.late().map(late -> "; " + Units.bytes(late.figures().lateBytes()) + " are still to come").orElse("")));
    }
  }

  /// Appears whole, so that who waits for it never reads half a number.
  private static void writePidfile(Path file, int pid) throws IOException {
    Path whole = Files.createTempFile(file.getParent(), ".stasis", ".pid");
    try {
      Files.writeString(whole, pid + "\n");
      Files.move(whole, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(whole);
    }
  }
}
