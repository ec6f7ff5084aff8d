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
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import stasis.engine.ImageMemory;
import stasis.image.Certificate;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.Statefile;
import stasis.image.StatefileHeader;
import stasis.image.StoredObject;
import stasis.linux.abi.Bytes;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;

@Command(name = "inspect",
    description = "Show what is in an image, as ps, pmap, lsof or ss would, or all of it. Needs no permissions.",
    footer = {"", "Examples: stasis inspect DIR lsof",
        "          stasis inspect --repo R redis@7 grep password",
        "          stasis inspect DIR certificate",
        "          stasis inspect DIR cat 0x7ffc12340000 256 --task 4711",
        "grep looks for text, or for bytes: hex:cafe. It searches what the image holds, not files of the host."})
final class InspectVerb implements Callable<Integer> {
  private final Session session;

  @Parameters(index = "0", paramLabel = "IMAGE",
      description = "Folder that holds the image; with --repo a checkpoint: NAME@K, NAME@TAG, or NAME for the newest.")
  private String image = "";
  @Parameters(index = "1", paramLabel = "VIEW", arity = "0..1", defaultValue = "ps",
      description = "${COMPLETION-CANDIDATES}; default ${DEFAULT-VALUE}.")
  private ImageView view = ImageView.ps;
  @Parameters(index = "2..*", paramLabel = "WHAT", description = "For grep what to look for, for cat ADDRESS LENGTH.")
  private List<String> arguments = List.of();
  @Option(names = "--task", paramLabel = "PID", description = "Only this thread group.")
  private Optional<Integer> task = Optional.empty();
  @Option(names = "-x", hidden = true, description = "As pmap takes it: its columns are always shown.")
  private boolean extended;
  @Option(names = "--raw", description = "cat: write the bytes themselves.")
  private boolean raw;
  @Option(names = "--repo", paramLabel = "DIR", description = "Repository that holds it.")
  private Optional<Path> repository = Optional.empty();
  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private KeyOptions keys = new KeyOptions();
  @Mixin private JsonOption json = new JsonOption();

  InspectVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    boolean takesWords = view == ImageView.grep || view == ImageView.cat;
    if (extended && view != ImageView.pmap) {
      throw new ParameterException(spec.commandLine(), "-x goes with pmap");
    }
    if (!takesWords && !arguments.isEmpty() || raw && view != ImageView.cat) {
      throw new ParameterException(spec.commandLine(), raw && view != ImageView.cat ? "--raw goes with cat"
          : view + " takes nothing more, and not '" + arguments.getFirst() + "'");
    }
    ImageAt at = Arguments.image(spec, Optional.of(image), Optional.empty(), repository);
    try (ImageReader reader = at.guarded(keys.guard()).origin().open()) {
      Statefile statefile = Statefile.decode(reader.metadata(), reader.pageBytes(), Limits.DEFAULT);
      try (ImageMemory memory = ImageMemory.open(reader, statefile)) {
        Optional<Certificate> certificate = certificate(reader);
        Shown shown = view.show(new Inspection(statefile, memory, certificate, arguments, task));
        json.write(json(statefile, shown, certificate), session.console());
        if (!json.takesStdout()) {
          print(shown);
          if (view == ImageView.ps) {
            certificate.ifPresent(told -> session.console().out().print(CertificateRows.line(told)));
          }
        }
      }
      return ExitStatus.DONE.code();
    } catch (ImageException e) {
      session.console().say(e.getMessage());
      return (e.reason() == ImageException.Reason.TOO_NEW ? ExitStatus.REFUSED : ExitStatus.FAILED).code();
    } catch (DecodeException e) {
      session.console().say(at + " is damaged: " + e.getMessage());
      return ExitStatus.FAILED.code();
    } catch (Inspection.NoAnswerException e) {
      session.console().say(String.valueOf(e.getMessage()));
      return ExitStatus.FAILED.code();
    }
  }

  /// One of other metadata says nothing of these.
  private static Optional<Certificate> certificate(ImageReader reader) throws ImageException, DecodeException {
    Optional<Bytes> stored = reader.certificate();
    if (stored.isEmpty()) {
      return Optional.empty();
    }
    Bytes metadata = reader.metadata();
    return Optional.of(Certificate.decode(stored.get(), Limits.DEFAULT)).filter(told -> told.isFor(metadata));
  }

  private void print(Shown shown) {
    if (raw) {
      session.console().out().writeBytes(shown.raw().toArray());
    } else {
      session.console().out().print(shown.render());
    }
  }

  private Json json(Statefile statefile, Shown shown, Optional<Certificate> certificate) throws DecodeException {
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
    List<Json.Member> members = new ArrayList<>(List.of(
        Json.member("outcome", Json.text("done")),
        Json.member("arch", Json.text(header.arch().name())),
        Json.member("kernel", Json.text(header.kernelRelease())),
        Json.member("host", Json.text(header.hostName())),
        Json.member("created_unix_ns", Json.number(header.createdUnixNs())),
        Json.member("page_bytes", Json.number(statefile.pageSectionBytes())),
        Json.member("rows", shown.rows()),
        Json.member("objects", new Json.Items(objects)),
        Json.member("losses", LossTable.json(statefile.losses()))));
    certificate.ifPresent(told -> members.add(Json.member("certificate", CertificateRows.json(told))));
    return new Json.Members(members);
  }
}
