package stasis.cli;

import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;
import stasis.repository.ImageException;
import stasis.repository.KeptImage;

@Command(name = "log", description = "List the checkpoints of a repository.",
    footer = {"", "Example: stasis log --repo /var/lib/stasis redis"})
final class LogVerb implements Callable<Integer> {
  private final Session session;

  @Parameters(paramLabel = "NAME", arity = "0..1", description = "Only those of this name.")
  private Optional<String> name = Optional.empty();
  @Mixin private Kept kept = new Kept();

  LogVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    return kept.run(session, catalogue -> {
      List<KeptImage> images = name.isPresent() ? catalogue.log(name.get()) : catalogue.log();
      if (name.isPresent() && images.isEmpty()) {
        throw new ImageException(ImageException.Reason.NO_IMAGE, kept.repository() + " holds no checkpoint of "
            + name.get(), "`stasis log` without a name lists all");
      }
      return Kept.Answer.done(Kept.table(images), Json.member("checkpoints", Kept.json(images)));
    });
  }
}
