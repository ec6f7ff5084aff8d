package stasis.cli;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "verify", description = "Look whether every checkpoint of a repository can be read.",
    footer = {"", "Example: stasis verify --repo /var/lib/stasis --every-byte",
        "Exit status 0: all is well; 4: something is damaged or missing, and each line says what it hits."})
final class VerifyVerb implements Callable<Integer> {
  private final Session session;

  @Option(names = "--every-byte", description = "Read everything, instead of only looking whether it is there.")
  private boolean everyByte;
  @Option(names = "--rebuild-index", description = "First make the index anew from the packs.")
  private boolean rebuildIndex;
  @Mixin private Kept kept = new Kept();

  VerifyVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    return kept.run(session, catalogue -> {
      if (rebuildIndex) {
        catalogue.reindex();
      }
      List<String> problems = catalogue.verify(everyByte);
      String text = problems.isEmpty() ? Units.count(catalogue.log().size(), "checkpoint") + " "
          + (everyByte ? "read, every byte as written\n" : "whole; --every-byte reads them as well\n")
          : String.join("\n", problems) + "\n";
      return new Kept.Answer(problems.isEmpty() ? ExitStatus.DONE : ExitStatus.FAILED, List.of(
          Json.member("every_byte", new Json.Flag(everyByte)),
          Json.member("problems", new Json.Items(problems.stream().map(Json::text).toList()))), text);
    });
  }
}
