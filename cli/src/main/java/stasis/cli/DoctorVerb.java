package stasis.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import stasis.cli.Engine.Outcome;
import stasis.engine.HostReport;
import stasis.linux.abi.SyscallException;
import stasis.linux.probe.Features;
import stasis.linux.probe.Finding;
import stasis.linux.probe.Verdict;

@Command(name = "doctor",
    description = "Try what this kernel and this user can do, and tell what each missing thing costs.",
    footer = {"", "Examples: stasis doctor",
        "          stasis doctor --json=host.json --answer questions.json"})
final class DoctorVerb implements Callable<Integer> {
  private final Session session;

  @Option(names = "--answer", paramLabel = "FILE", description = "Answer in the report what an image asks of a host:"
      + " FILE is the JSON report of stasis can-restore.")
  private Optional<Path> questions = Optional.empty();
  @Mixin private JsonOption json = new JsonOption();

  DoctorVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException, SyscallException {
    Outcome<HostReport> report;
    try {
      report = session.engine().hostReport(questions.isPresent() ? JsonFile.list(questions.get(), "questions")
          : List.of());
    } catch (IOException e) {
      report = new Outcome.Failed<>(String.valueOf(e.getMessage()));
    }
    if (!(report instanceof Outcome.Done<HostReport>(HostReport host))) {
      return Report.of(session.console(), json).unsuccessful(report).code();
    }
    Features features = Features.probe();
    json.write(json(features, host), session.console());
    if (!json.takesStdout()) {
      print(features);
    }
    return ExitStatus.DONE.code();
  }

  private static Json json(Features features, HostReport host) {
    List<Json> rows = new ArrayList<>();
    for (Finding finding : features.findings()) {
      rows.add(Json.object(
          Json.member("feature", Json.text(finding.feature().name())),
          Json.member("label", Json.text(finding.feature().label())),
          Json.member("verdict", Json.text(word(finding.verdict()))),
          Json.member("detail", Json.text(finding.detail())),
          Json.member("cost", Json.text(finding.verdict() == Verdict.MISSING ? finding.feature().cost() : "")),
          Json.member("remedy", Json.text(finding.verdict() == Verdict.MISSING ? finding.feature().remedy() : ""))));
    }
    return Json.object(
        Json.member("outcome", Json.text("done")),
        Json.member("kernel", Json.text(System.getProperty("os.version"))),
        Json.member("arch", Json.text(System.getProperty("os.arch"))),
        Json.member("user", Json.text(System.getProperty("user.name"))),
        Json.member("missing", Json.number(features.missing().size())),
        Json.member("server", Json.text(server().orElse(""))),
        Json.member("features", new Json.Items(rows)),
        Json.member("host", new Json.Members(host.answers().entrySet().stream()
            .map(answer -> Json.member(answer.getKey(), Json.text(answer.getValue()))).toList())));
  }

  private void print(Features features) {
    Table table = new Table("FEATURE", "", "DETAIL", "WHAT ITS ABSENCE COSTS, AND THE REMEDY");
    for (Finding finding : features.findings()) {
      boolean missing = finding.verdict() == Verdict.MISSING;
      table.row(finding.feature().label(), word(finding.verdict()), finding.detail(),
          missing ? finding.feature().cost() + "; remedy: " + finding.feature().remedy() : "");
    }
    session.console().out().printf("Linux %s, %s, user %s%n", System.getProperty("os.version"),
        System.getProperty("os.arch"), System.getProperty("user.name"));
    session.console().out().print(table.render());
    session.console().out().println(Units.count(features.missing().size(), "feature") + " missing");
    session.console().out().println(server().orElse("nobody serves; stasis serve & makes commands faster"));
  }

  /// What a resident engine says of itself, first line.
  private static Optional<String> server() {
    return ServeVerb.ask(Doorway.of(System.getenv()), "status").flatMap(status -> status.lines().findFirst());
  }

  private static String word(Verdict verdict) {
    return verdict.name().toLowerCase(Locale.ROOT);
  }
}
