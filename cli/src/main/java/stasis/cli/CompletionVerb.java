package stasis.cli;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

@Command(name = "completion", description = "Print what bash needs to complete the verbs and their options.",
    footer = {"", "Example: source <(stasis completion)"})
final class CompletionVerb implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();

  CompletionVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    CommandLine tree = spec.root().commandLine();
    session.console().out().print(AutoComplete.bash("stasis", tree));
    return ExitStatus.DONE.code();
  }
}
