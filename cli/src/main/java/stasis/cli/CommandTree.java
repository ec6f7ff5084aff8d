package stasis.cli;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/// `stasis` and its verbs.
final class CommandTree {
  private final Session session;

  CommandTree(Session session) {
    this.session = session;
  }

  /// @return the exit status; never throws for what a user did
  int run(String... args) {
    CommandLine tree = new CommandLine(new Stasis());
    // Inherited by the verbs, so before they are added.
    tree.getCommandSpec()
        .addOption(OptionSpec.builder("-h", "--help").usageHelp(true).scopeType(ScopeType.INHERIT)
            .description("Print this and exit.").build())
        .addOption(OptionSpec.builder("--version").versionHelp(true)
            .description("Print the version and exit.").build());
    tree
        .addSubcommand(new CheckpointVerb(session))
        .addSubcommand(new RestoreVerb(session))
        .addSubcommand(new CanRestoreVerb(session))
        .addSubcommand(new ExplainVerb(session))
        .addSubcommand(new UntrackVerb(session))
        .addSubcommand(new InspectVerb(session))
        .addSubcommand(new LogVerb(session))
        .addSubcommand(new TagVerb(session))
        .addSubcommand(new ForgetVerb(session))
        .addSubcommand(new PruneVerb(session))
        .addSubcommand(new VerifyVerb(session))
        .addSubcommand(new StatsVerb(session))
        .addSubcommand(new CopyVerb(session))
        .addSubcommand(new DiffVerb(session))
        .addSubcommand(new CoreVerb(session))
        .addSubcommand(new GdbVerb(session))
        .addSubcommand(new KeygenVerb(session))
        .addSubcommand(new DoctorVerb(session))
        .addSubcommand(new ServeVerb(session))
        .addSubcommand(new DemoVerb(session))
        .addSubcommand(new CompletionVerb(session))
        .addSubcommand(new ManVerb(session))
        .addSubcommand(new StandbyVerb(session))
        .addSubcommand(new WarmVerb(session))
        .addSubcommand(new RehearseVerb(session));
    tree.setColorScheme(CommandLine.Help.defaultColorScheme(session.console().colour() ? Ansi.ON : Ansi.OFF));
    tree.setOut(new PrintWriter(session.console().out(), true, StandardCharsets.UTF_8));
    tree.setErr(new PrintWriter(session.console().err(), true, StandardCharsets.UTF_8));
    tree.setParameterExceptionHandler(this::usage);
    tree.setExecutionExceptionHandler(this::explain);
    return tree.execute(args);
  }

  /// One sentence and where to read on; the whole usage would push the sentence off the screen.
  private int usage(ParameterException problem, String[] args) {
    CommandLine command = problem.getCommandLine();
    session.console().say(problem.getMessage() + "; see " + command.getCommandSpec().qualifiedName() + " --help");
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }

  private int explain(Exception problem, CommandLine command, ParseResult parsed) {
    return Line.failed(session, command.getCommandName(), problem);
  }

  @Command(name = "stasis", versionProvider = Version.class,
      description = "Checkpoint and restore of running Linux programs.",
      footer = {"", "Exit status: 0 done, 2 usage, 3 refused, 4 failed with the target untouched, 130 cancelled."})
  private static final class Stasis implements Runnable {
    @Spec private CommandSpec spec = CommandSpec.create();

    @Override
    public void run() {
      throw new ParameterException(spec.commandLine(), "which verb?");
    }
  }

  private static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"stasis " + Build.version()
          + " (Java " + System.getProperty("java.runtime.version") + ", Linux " + System.getProperty("os.version")
          + " " + System.getProperty("os.arch") + ")"};
    }
  }
}
