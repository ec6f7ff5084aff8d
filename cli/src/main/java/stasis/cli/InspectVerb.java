package stasis.cli;

import java.io.IOException;
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
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.Statefile;
import stasis.image.StatefileHeader;
import stasis.image.StoredObject;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;

@Command(name = "inspect",
    description = "Show what is in an image, as ps, pmap or lsof would, or all of it.")
final class InspectVerb implements Callable<Integer> {
  private final Session session;

  @Parameters(index = "0", paramLabel = "IMAGE",
      description = "Folder that holds the image; with --repo a checkpoint: NAME@K, NAME@TAG, or NAME for the newest.")
  private String image = "";
  @Parameters(index = "1", paramLabel = "VIEW", arity = "0..1", defaultValue = "ps",
      description = "${COMPLETION-CANDIDATES}; default ${DEFAULT-VALUE}.")
  private ImageView view = ImageView.ps;
  @Option(names = "--repo", paramLabel = "DIR", description = "Repository that holds it.")
  private Optional<Path> repository = Optional.empty();
  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private JsonOption json = new JsonOption();

  InspectVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    ImageAt at = Arguments.image(spec, Optional.of(image), Optional.empty(), repository);
    try (ImageReader reader = at.origin().open()) {
      Statefile statefile = Statefile.decode(reader.metadata(), reader.pageBytes(), Limits.DEFAULT);
      json.write(json(statefile), session.console());
      if (!json.takesStdout()) {
        session.console().out().print(view.render(statefile));
      }
      return ExitStatus.DONE.code();
    } catch (ImageException e) {
      session.console().say(e.getMessage());
      return (e.reason() == ImageException.Reason.TOO_NEW ? ExitStatus.REFUSED : ExitStatus.FAILED).code();
    } catch (DecodeException e) {
      session.console().say(at + " is damaged: " + e.getMessage());
      return ExitStatus.FAILED.code();
    }
  }

  private Json json(Statefile statefile) throws DecodeException {
    StatefileHeader header = statefile.header();
    List<Json> objects = new ArrayList<>();
    for (StoredObject object : statefile.objects()) {
      if (view.holds(object.schemaName())) {
        objects.add(Json.object(
            Json.member("id", Json.number(object.id().value())),
            Json.member("kind", Json.text(object.schemaName())),
            Json.member("version", Json.number(object.schemaVersion())),
            Json.member("owner", new Json.Verbatim(object.owner().map(id -> "" + id.value()).orElse("null"))),
            Json.member("state", new Json.Verbatim(
                statefile.schema(object).read(object.state(), Limits.DEFAULT).json()))));
      }
    }
    return Json.object(
        Json.member("outcome", Json.text("done")),
        Json.member("arch", Json.text(header.arch().name())),
        Json.member("kernel", Json.text(header.kernelRelease())),
        Json.member("host", Json.text(header.hostName())),
        Json.member("created_unix_ns", Json.number(header.createdUnixNs())),
        Json.member("page_bytes", Json.number(statefile.pageSectionBytes())),
        Json.member("objects", new Json.Items(objects)),
        Json.member("losses", LossTable.json(statefile.losses())));
  }
}
