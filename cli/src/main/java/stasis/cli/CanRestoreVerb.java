package stasis.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import stasis.cli.Engine.Judged;
import stasis.cli.Engine.Outcome;
import stasis.engine.HostReport;
import stasis.engine.Place;
import stasis.repository.ImageException;

@Command(name = "can-restore",
    description = "Say whether a host can bring an image back: yes, or everything that is missing. Runs nothing.",
    footer = {"", "Examples: stasis can-restore DIR",
        "          stasis can-restore DIR --in-place",
        "Of another host:  stasis can-restore DIR --json=questions.json",
        "          there:  stasis doctor --answer questions.json --json=host.json",
        "                  stasis can-restore DIR --host host.json",
        "Exit status: 0 yes, 3 no, 4 it could not be found out."})
final class CanRestoreVerb implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Parameters(index = "0", paramLabel = "IMAGE",
      description = "Folder that holds the image; with --repo a checkpoint: NAME@K, NAME@TAG, or NAME for the newest.")
  private String image = "";
  @Option(names = "--host", paramLabel = "FILE",
      description = "Of the host whose stasis doctor --json this is, instead of this one.")
  private Optional<Path> host = Optional.empty();
  @Option(names = "--repo", paramLabel = "DIR", description = "Repository that holds it.")
  private Optional<Path> repository = Optional.empty();
  @Option(names = "--in-place", description = "As stasis restore --in-place: among the pids of this host, however far"
      + " away they are; says how far.")
  private boolean inPlace;
  @Mixin private FileOptions files = new FileOptions();
  @Mixin private AcceptOptions accept = new AcceptOptions();
  @Mixin private JsonOption json = new JsonOption();
  @Mixin private Verbosity verbosity = new Verbosity();

  CanRestoreVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    ImageAt at = Arguments.image(spec, Optional.of(image), Optional.empty(), repository);
    if (inPlace && host.isPresent()) {
      throw new ParameterException(spec.commandLine(), "--in-place is of this host, --host of another");
    }
    Report report = Report.of(session.console(), json);
    Outcome<Judged> outcome;
    try {
      Optional<HostReport> there = host.isPresent()
          ? Optional.of(new HostReport(JsonFile.texts(host.get(), "host"))) : Optional.empty();
      outcome = session.engine().canRestore(at.guarded(accept.guard()), there,
          inPlace ? Place.HERE : Place.ANY, files.policy(spec),
          verbosity.progress(session));
    } catch (ImageException | IOException e) {
      return report.unsuccessful(new Outcome.Failed<>(String.valueOf(e.getMessage()))).code();
    }
    if (!(outcome instanceof Outcome.Done<Judged>(Judged judged))) {
      return report.unsuccessful(outcome).code();
    }
    boolean known = judged.unanswered().isEmpty();
    boolean yes = known && judged.obstacles().isEmpty();
    json.write(Json.object(
        Json.member("outcome", Json.text(yes ? "done" : known ? "refused" : "unknown")),
        Json.member("restorable", new Json.Flag(yes)),
        Json.member("losses", LossTable.json(known ? judged.obstacles() : List.of())),
        Json.member("told", texts(judged.told())),
        Json.member("questions", texts(judged.questions())),
        Json.member("unanswered", texts(judged.unanswered()))), session.console());
    tell(judged, known, yes);
    return (yes ? ExitStatus.DONE : ExitStatus.REFUSED).code();
  }

  private void tell(Judged judged, boolean known, boolean yes) {
    if (yes && !json.takesStdout()) {
      session.console().out().println("yes");
    }
    judged.told().forEach(session.console()::say);
    if (!known) {
      session.console().say("that report says nothing of " + Units.count(judged.unanswered().size(), "thing")
          + " that this image needs, the first is \"" + MemoryRows.printable(judged.unanswered().getFirst())
          + "\"; run there stasis doctor --answer QUESTIONS --json=HOST with the output of stasis can-restore --json here");
    } else if (!yes) {
      session.console().say("no, " + Units.count(judged.obstacles().size(), "obstacle"));
      session.console().err().print(LossTable.render(judged.obstacles(), true));
    }
  }

  private static Json texts(List<String> texts) {
    return new Json.Items(texts.stream().map(Json::text).toList());
  }
}
