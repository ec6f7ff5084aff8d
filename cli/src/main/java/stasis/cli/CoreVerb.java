package stasis.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(name = "core", description = "Write a core file of a program in an image, for gdb. Needs no permissions.",
    footer = {"", "Example: stasis core --repo R redis@7 -o core && gdb /usr/bin/redis-server core",
        "Contents of mapped files that the program had not written are left to those files."})
final class CoreVerb implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Parameters(paramLabel = "IMAGE",
      description = "Folder that holds the image; with --repo a checkpoint: NAME@K, NAME@TAG, or NAME for the newest.")
  private String image = "";
  @Option(names = "--repo", paramLabel = "DIR", description = "Repository that holds it.")
  private Optional<Path> repository = Optional.empty();
  @Option(names = "--task", paramLabel = "PID", description = "Which thread group; the root without this.")
  private Optional<Integer> task = Optional.empty();
  @Option(names = {"-o", "--output"}, paramLabel = "FILE", required = true, description = "The core file.")
  private Path output = Path.of("");
  @Mixin private KeyOptions keys = new KeyOptions();
  @Mixin private JsonOption json = new JsonOption();

  CoreVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    ImageAt at = Arguments.image(spec, Optional.of(image), Optional.empty(), repository);
    return Kept.run(session.console(), json, () -> {
      Core core = Core.write(at.guarded(keys.guard()), task, Arguments.normal(output));
      return Kept.Answer.done("core of %d (%s) in %s, %s%n".formatted(core.pid(), core.program(), core.file(),
          Units.bytes(core.lengthBytes())),
          Json.member("core", Json.text(core.file().toString())),
          Json.member("pid", Json.number(core.pid())),
          Json.member("executable", Json.text(core.executable().orElse(""))),
          Json.member("core_bytes", Json.number(core.lengthBytes())));
    });
  }
}
