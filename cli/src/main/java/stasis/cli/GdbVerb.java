package stasis.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import stasis.repository.ImageException;

@Command(name = "gdb", description = "Open a program in an image in gdb, as it stood when it was frozen.",
    footer = {"", "Examples: stasis gdb --repo R redis@7", "          stasis gdb DIR --task 4711 -- -batch -ex bt"})
final class GdbVerb implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Parameters(index = "0", paramLabel = "IMAGE",
      description = "Folder that holds the image; with --repo a checkpoint: NAME@K, NAME@TAG, or NAME for the newest.")
  private String image = "";
  @Parameters(index = "1..*", paramLabel = "ARGUMENT", description = "For gdb; behind --.")
  private List<String> arguments = List.of();
  @Option(names = "--repo", paramLabel = "DIR", description = "Repository that holds it.")
  private Optional<Path> repository = Optional.empty();
  @Option(names = "--task", paramLabel = "PID", description = "Which thread group; the root without this.")
  private Optional<Integer> task = Optional.empty();
  @Mixin private KeyOptions keys = new KeyOptions();

  GdbVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    ImageAt at = Arguments.image(spec, Optional.of(image), Optional.empty(), repository);
    Path folder = Files.createTempDirectory("stasis-gdb");
    try {
      Core core = Core.write(at.guarded(keys.guard()), task, folder.resolve("core"));
      List<String> command = new ArrayList<>(List.of("gdb", "-q"));
      command.addAll(arguments);
      core.executable().ifPresent(command::add);
      command.add("-c");
      command.add(core.file().toString());
      Process gdb = new ProcessBuilder(command).inheritIO().start();
      return gdb.waitFor();
    } catch (ImageException e) {
      session.console().say(e.getMessage());
      return (e.reason() == ImageException.Reason.TOO_NEW ? ExitStatus.REFUSED : ExitStatus.FAILED).code();
    } finally {
      Folders.delete(folder);
    }
  }
}
