package stasis.cli;

import java.io.OutputStream;
import java.io.PrintStream;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;

/// Runs what the other verbs are made of, into nowhere: the training run from which the launcher makes its start-up
/// cache. Hidden, because it is of no use to people.
@Command(name = "rehearse", hidden = true, description = "Training run for the start-up cache.")
final class RehearseVerb implements Callable<Integer> {
  private final Session session;

  RehearseVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    PrintStream nowhere = new PrintStream(OutputStream.nullOutputStream());
    Console mute = new Console(nowhere, nowhere, false, false);
    Session rehearsal = new Session(mute, session.engine(), session.cancellation(), _ -> {});
    for (String line : new String[] {"--help", "--version", "doctor", "doctor --json", "checkpoint --help",
        "restore --help", "inspect /nonexistent", "explain x", "restore /nonexistent --dry-run"}) {
      new CommandTree(rehearsal).run(line.split(" "));
    }
    return ExitStatus.DONE.code();
  }
}
