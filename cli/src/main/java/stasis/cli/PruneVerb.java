package stasis.cli;

import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import stasis.repository.Catalogue;

@Command(name = "prune", description = "Free what no checkpoint of a repository needs. While nobody else uses it.",
    footer = {"", "Example: stasis forget --repo R redis --keep-last 5 && stasis prune --repo R"})
final class PruneVerb implements Callable<Integer> {
  private final Session session;

  @Option(names = "--dry-run", description = "Only say how much would be freed.")
  private boolean dryRun;
  @Mixin private Kept kept = new Kept();

  PruneVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    return kept.run(session, catalogue -> {
      Catalogue.Pruned pruned = catalogue.prune(dryRun);
      return Kept.Answer.done("%s %s: %s deleted, %s written anew, %s kept%n".formatted(
          dryRun ? "would free" : "freed", Units.bytes(pruned.freedBytes()), Units.count(pruned.packsDeleted(), "pack"),
          pruned.packsRewritten(), Units.count(pruned.chunksKept(), "chunk")),
          Json.member("freed_bytes", Json.number(pruned.freedBytes())),
          Json.member("packs_deleted", Json.number(pruned.packsDeleted())),
          Json.member("packs_rewritten", Json.number(pruned.packsRewritten())),
          Json.member("chunks_kept", Json.number(pruned.chunksKept())),
          Json.member("dry_run", new Json.Flag(dryRun)));
    });
  }
}
