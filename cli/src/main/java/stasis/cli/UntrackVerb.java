package stasis.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import stasis.cli.Engine.Outcome;

@Command(name = "untrack",
    description = "End what `checkpoint --track` began: the kernel no longer notes what a program writes.",
    footer = {"", "Example: stasis untrack 4711"})
final class UntrackVerb implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Parameters(paramLabel = "PID", description = "Root of the tree.")
  private int pid;
  @Mixin private JsonOption json = new JsonOption();

  UntrackVerb(Session session) {
    this.session = session;
  }

  /// Done as well where nothing was tracked: then it is as was asked.
  @Override
  public Integer call() throws IOException {
    Outcome<Boolean> outcome = session.engine().untrack(Arguments.tid(spec, pid));
    if (!(outcome instanceof Outcome.Done<Boolean>(Boolean tracked))) {
      return Report.of(session.console(), json).unsuccessful(outcome).code();
    }
    json.write(Json.object(
        Json.member("outcome", Json.text("done")),
        Json.member("was_tracked", new Json.Flag(tracked))), session.console());
    if (!json.takesStdout()) {
      session.console().out().println(pid + (tracked ? " is no longer tracked" : " was not tracked"));
    }
    return ExitStatus.DONE.code();
  }
}
