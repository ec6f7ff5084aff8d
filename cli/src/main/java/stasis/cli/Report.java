package stasis.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import stasis.cli.Engine.Figures;
import stasis.cli.Engine.Outcome;
import stasis.image.LossRow;

/// Tells how a verb went, in JSON and in words, and which status that is.
///
/// @param failed @param refused differ for `restore`
record Report(Console console, JsonOption json, ExitStatus failed, ExitStatus refused) {
  static Report of(Console console, JsonOption json) {
    return new Report(console, json, ExitStatus.FAILED, ExitStatus.REFUSED);
  }

  static Report ofRestore(Console console, JsonOption json) {
    return new Report(console, json, ExitStatus.RESTORE_FAILED, ExitStatus.RESTORE_REFUSED);
  }

  /// Tells of anything but success.
  ExitStatus unsuccessful(Outcome<?> outcome) throws IOException {
    return switch (outcome) {
      case Outcome.Done<?> done -> throw new IllegalArgumentException("a success: " + done);
      case Outcome.Refused<?>(List<LossRow> losses) -> {
        json.write(Json.object(
            Json.member("outcome", Json.text("refused")),
            Json.member("losses", LossTable.json(losses))), console);
        console.say("refused, " + Units.count(losses.size(), "obstacle"));
        console.err().print(LossTable.render(losses, true));
        yield refused;
      }
      case Outcome.Failed<?>(String problem) -> {
        json.write(problem("failed", problem), console);
        console.say(problem);
        yield failed;
      }
      case Outcome.Cancelled<?> _ -> {
        json.write(problem("cancelled", "cancelled by a signal"), console);
        console.say("cancelled");
        yield failed == ExitStatus.RESTORE_FAILED ? failed : ExitStatus.CANCELLED;
      }
    };
  }

  ExitStatus done(List<Json.Member> particular, Figures figures) throws IOException {
    List<Json.Member> members = new ArrayList<>();
    members.add(Json.member("outcome", Json.text("done")));
    members.addAll(particular);
    members.add(Json.member("total_ms", Json.millis(figures.totalNs())));
    members.add(Json.member("image_bytes", Json.number(figures.imageBytes())));
    members.add(Json.member("page_bytes", Json.number(figures.pageBytes())));
    members.add(Json.member("tasks", Json.number(figures.tasks())));
    members.add(Json.member("threads", Json.number(figures.threads())));
    members.add(Json.member("phases", new Json.Members(figures.phasesNs().entrySet().stream()
        .map(phase -> Json.member(phase.getKey(), Json.millis(phase.getValue()))).toList())));
    members.add(Json.member("losses", LossTable.json(figures.losses())));
    members.add(Json.member("warnings", new Json.Items(figures.warnings().stream().map(Json::text).toList())));
    json.write(new Json.Members(members), console);
    json.trace().write(figures.spans());
    figures.warnings().forEach(console::say);
    return ExitStatus.DONE;
  }

  private static Json problem(String outcome, String problem) {
    return Json.object(
        Json.member("outcome", Json.text(outcome)),
        Json.member("error", Json.text(problem)),
        Json.member("losses", new Json.Items(List.of())));
  }
}
