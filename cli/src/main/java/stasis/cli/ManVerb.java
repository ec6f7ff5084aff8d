package stasis.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "man", description = "Print the manual page of a verb, or write those of all verbs to a folder.",
    footer = {"", "Examples: stasis man checkpoint | man -l -",
        "          stasis man --to /usr/local/share/man/man1"})
final class ManVerb implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Parameters(paramLabel = "VERB", arity = "0..1", description = "Which one; without it the page of stasis itself.")
  private Optional<String> verb = Optional.empty();
  @Option(names = "--to", paramLabel = "DIR", description = "Write a file for each page there.")
  private Optional<Path> target = Optional.empty();

  ManVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    CommandSpec root = spec.root();
    if (target.isPresent()) {
      List<CommandSpec> all = new ArrayList<>(List.of(root));
      root.subcommands().values().stream().map(CommandLine::getCommandSpec)
          .filter(one -> !one.usageMessage().hidden()).forEach(all::add);
      for (CommandSpec one : all) {
        ManPage page = new ManPage(one);
        Files.writeString(target.get().resolve(page.fileName()), page.text(), StandardCharsets.UTF_8);
      }
      return ExitStatus.DONE.code();
    }
    CommandSpec wanted = root;
    if (verb.isPresent()) {
      CommandLine found = root.subcommands().get(verb.get());
      if (found == null) {
        throw new ParameterException(spec.commandLine(), "there is no verb " + verb.get());
      }
      wanted = found.getCommandSpec();
    }
    session.console().out().print(new ManPage(wanted).text());
    return ExitStatus.DONE.code();
  }
}
