package stasis.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import stasis.linux.abi.Bytes;
import stasis.repository.Catalogue;
import stasis.repository.ImageException;
import stasis.repository.KeptImage;
import stasis.repository.KeyFiles;

/// What the verbs on a repository have in common: which one, how to tell, and what a failure is.
final class Kept {
  @Option(names = "--repo", paramLabel = "DIR", required = true, description = "The repository.")
  private Path repository = Path.of("");
  @Mixin private KeyOptions keys = new KeyOptions();
  @Mixin private JsonOption json = new JsonOption();

  /// What a verb does with it. @return what it has to say, as JSON and in words
  interface Work {
    Answer on(Catalogue catalogue) throws ImageException;
  }

  /// @param particular JSON members besides the outcome @param text for people, lines ended
  record Answer(ExitStatus status, List<Json.Member> particular, String text) {
    static Answer done(String text, Json.Member... particular) {
      return new Answer(ExitStatus.DONE, List.of(particular), text);
    }
  }

  Path repository() {
    return Arguments.normal(repository);
  }

  /// @return the exit status
  int run(Session session, Work work) throws IOException {
    return run(session.console(), json, () -> work.on(Catalogue.open(repository(), keys.keys())));
  }

  /// What may fail with a sentence.
  interface Attempt {
    Answer run() throws ImageException;
  }

  static int run(Console console, JsonOption json, Attempt attempt) throws IOException {
    try {
      Answer answer = attempt.run();
      List<Json.Member> members = new ArrayList<>();
      members.add(Json.member("outcome", Json.text(answer.status() == ExitStatus.DONE ? "done" : "failed")));
      members.addAll(answer.particular());
      json.write(new Json.Members(members), console);
      if (!json.takesStdout()) {
        console.out().print(answer.text());
      }
      return answer.status().code();
    } catch (ImageException e) {
      boolean refused = e.reason() == ImageException.Reason.TOO_NEW
          || e.reason() == ImageException.Reason.OCCUPIED;
      json.write(Json.object(Json.member("outcome", Json.text(refused ? "refused" : "failed")),
          Json.member("error", Json.text(e.getMessage()))), console);
      console.say(e.getMessage());
      return (refused ? ExitStatus.REFUSED : ExitStatus.FAILED).code();
    }
  }

  static Json json(KeptImage image) {
    return Json.object(
        Json.member("checkpoint", Json.text(image.title())),
        Json.member("name", Json.text(image.name())),
        Json.member("number", Json.number(image.number())),
        Json.member("created_unix_ns", Json.number(image.facts().createdUnixNs())),
        Json.member("host", Json.text(image.facts().host())),
        Json.member("program", Json.text(image.facts().program())),
        Json.member("pid", Json.number(image.facts().pid())),
        Json.member("tasks", Json.number(image.facts().tasks())),
        Json.member("threads", Json.number(image.facts().threads())),
        Json.member("content_bytes", Json.number(image.contentBytes())),
        Json.member("added_bytes", Json.number(image.addedBytes())),
        Json.member("tags", new Json.Items(image.tags().stream().map(Json::text).toList())),
        Json.member("root", Json.text(image.root())),
        Json.member("signer", Json.text(image.signer().map(Kept::signer).orElse(""))));
  }

  private static String signer(Bytes key) {
    return KeyFiles.SIGNER + HexFormat.of().formatHex(key.toArray());
  }

  static Json json(List<KeptImage> images) {
    return new Json.Items(images.stream().map(Kept::json).toList());
  }

  static String table(List<KeptImage> images) {
    Table table = new Table("CHECKPOINT", "CREATED", "PROGRAM", "PID", "TASKS", "CONTENT", "ADDED", "TAGS", "SIGNER",
        "HOST");
    for (KeptImage image : images) {
      table.row(image.title(), created(image), image.facts().program(), Integer.toString(image.facts().pid()),
          Integer.toString(image.facts().tasks()), Units.bytes(image.contentBytes()), Units.bytes(image.addedBytes()),
          String.join(",", image.tags()), image.signer().map(key -> signer(key).substring(8, 16)).orElse(""),
          image.facts().host());
    }
    return table.render();
  }

  private static String created(KeptImage image) {
    return Instant.ofEpochSecond(Math.floorDiv(image.facts().createdUnixNs(), 1_000_000_000L)).toString();
  }
}
