package stasis.cli;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import stasis.cli.Engine.Outcome;
import stasis.engine.EmbedOrder;
import stasis.image.LossRow;
import stasis.image.LossRow.Exactness;

@Command(name = "explain",
    description = "Tell what a checkpoint of a running program would keep, change or refuse.",
    footer = {"", "Example: stasis explain 4711"})
final class ExplainVerb implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Parameters(paramLabel = "PID", description = "Root of the tree.")
  private int pid;
  @Option(names = "--embed-files", description = "Tell also which files checkpoint --embed-files would take along.")
  private boolean embed;
  @Mixin private JsonOption json = new JsonOption();
  @Mixin private Verbosity verbosity = new Verbosity();

  ExplainVerb(Session session) {
    this.session = session;
  }

  /// Done even where rows are refused: explaining them is what was asked.
  @Override
  public Integer call() throws IOException {
    Progress progress = verbosity.progress(session);
    Outcome<List<LossRow>> outcome = session.engine().explain(Arguments.tid(spec, pid),
        embed ? EmbedOrder.ALL : EmbedOrder.NONE, progress);
    progress.finish();
    if (!(outcome instanceof Outcome.Done<List<LossRow>>(List<LossRow> losses))) {
      return Report.of(session.console(), json).unsuccessful(outcome).code();
    }
    boolean refused = losses.stream().anyMatch(row -> row.exactness() == Exactness.REFUSED);
    json.write(Json.object(
        Json.member("outcome", Json.text("done")),
        Json.member("restorable", new Json.Flag(!refused)),
        Json.member("losses", LossTable.json(losses))), session.console());
    if (!json.takesStdout()) {
      session.console().out().print(LossTable.render(losses, true));
    }
    return ExitStatus.DONE.code();
  }
}
