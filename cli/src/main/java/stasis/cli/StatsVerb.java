package stasis.cli;

import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import stasis.repository.Catalogue;

@Command(name = "stats", description = "Tell how much a repository holds and what it takes.",
    footer = {"", "Example: stasis stats --repo /var/lib/stasis"})
final class StatsVerb implements Callable<Integer> {
  private final Session session;

  @Mixin private Kept kept = new Kept();

  StatsVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    return kept.run(session, catalogue -> {
      Catalogue.Figures figures = catalogue.figures();
      Table table = new Table("", "");
      table.row("checkpoints", "%d of %s".formatted(figures.checkpoints(), Units.count(figures.names(), "name")));
      table.row("contents", Units.bytes(figures.contentBytes()));
      table.row("each once, without zeros", Units.bytes(figures.chunkBytes()) + " in "
          + Units.count(figures.chunks(), "chunk"));
      table.row("compressed", Units.bytes(figures.storedBytes()) + (figures.storedBytes() == 0 ? ""
          : String.format(Locale.ROOT, ", %.1f times less than the contents",
              (double) figures.contentBytes() / figures.storedBytes())));
      table.row("packs", Units.bytes(figures.packBytes()) + " in " + Units.count(figures.packs(), "file"));
      table.row("index", Units.bytes(figures.indexBytes()));
      return Kept.Answer.done(table.render().substring(1),
          Json.member("checkpoints", Json.number(figures.checkpoints())),
          Json.member("names", Json.number(figures.names())),
          Json.member("content_bytes", Json.number(figures.contentBytes())),
          Json.member("chunks", Json.number(figures.chunks())),
          Json.member("chunk_bytes", Json.number(figures.chunkBytes())),
          Json.member("stored_bytes", Json.number(figures.storedBytes())),
          Json.member("packs", Json.number(figures.packs())),
          Json.member("pack_bytes", Json.number(figures.packBytes())),
          Json.member("index_bytes", Json.number(figures.indexBytes())));
    });
  }
}
