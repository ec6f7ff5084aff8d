package stasis.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import stasis.repository.CheckpointName;
import stasis.repository.KeptImage;
import stasis.repository.Protection;

@Command(name = "copy", description = "Copy checkpoints to another repository: what is there already is not copied.",
    footer = {"", "Example: stasis copy --repo R --to /mnt/backup redis@7"})
final class CopyVerb implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Parameters(paramLabel = "NAME@K", arity = "1..*", description = "Which ones, in this order.")
  private List<String> names = List.of();
  @Option(names = "--to", paramLabel = "DIR", required = true,
      description = "The other repository; made if it is not there.")
  private Path target = Path.of("");
  @Mixin private TargetKeyOptions targetKeys = new TargetKeyOptions();
  @Mixin private Kept kept = new Kept();

  CopyVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    List<CheckpointName> wanted = new ArrayList<>();
    for (String name : names) {
      wanted.add(Arguments.kept(spec, name, kept.repository()).name());
    }
    return kept.run(session, catalogue -> {
      Protection protection = targetKeys.protection();
      StringBuilder text = new StringBuilder();
      List<KeptImage> copies = new ArrayList<>();
      for (CheckpointName name : wanted) {
        String from = catalogue.find(name).title();
        KeptImage copy = catalogue.copy(name, Arguments.normal(target), protection);
        text.append("%s is %s there, %s added%n".formatted(from, copy.title(), Units.bytes(copy.addedBytes())));
        copies.add(copy);
      }
      return Kept.Answer.done(text.toString(), Json.member("copies", Kept.json(copies)));
    });
  }
}
