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
import stasis.engine.ImageMemory;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.Statefile;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;

@Command(name = "diff", description = "Tell what differs between two images: tasks, fds, mappings, pages.",
    footer = {"", "Example: stasis diff --repo R redis@6 redis@7",
        "Tasks are the same when they have the same pid, fds when they have the same number."})
final class DiffVerb implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Parameters(index = "0", paramLabel = "A", description = "Folder that holds an image; with --repo NAME@K.")
  private String before = "";
  @Parameters(index = "1", paramLabel = "B", description = "The other one.")
  private String after = "";
  @Option(names = "--repo", paramLabel = "DIR", description = "Repository that holds both.")
  private Optional<Path> repository = Optional.empty();
  @Mixin private KeyOptions keys = new KeyOptions();
  @Mixin private JsonOption json = new JsonOption();

  DiffVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    ImageAt a = Arguments.image(spec, Optional.of(before), Optional.empty(), repository);
    ImageAt b = Arguments.image(spec, Optional.of(after), Optional.empty(), repository);
    return Kept.run(session.console(), json, () -> {
      Guard guard = keys.guard();
      try (ImageReader left = a.guarded(guard).origin().open(); ImageMemory one = memory(left);
          ImageReader right = b.guarded(guard).origin().open(); ImageMemory other = memory(right)) {
        Table table = new ImageDifference(one, other).table();
        return Kept.Answer.done(table.rows("").isEmpty() ? "no difference\n" : table.render(),
            Json.member("differences", new Json.Items(table.rows(""))));
      } catch (DecodeException e) {
        throw new ImageException(ImageException.Reason.DAMAGED, "one of " + a + " and " + b + " is damaged: "
            + e.getMessage(), "take another copy of it");
      }
    });
  }

  private static ImageMemory memory(ImageReader reader) throws ImageException, DecodeException {
    return ImageMemory.open(reader, Statefile.decode(reader.metadata(), reader.pageBytes(), Limits.DEFAULT));
  }
}
