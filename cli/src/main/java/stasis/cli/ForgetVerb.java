package stasis.cli;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import stasis.repository.Catalogue;
import stasis.repository.CheckpointName;
import stasis.repository.ImageException;
import stasis.repository.KeptImage;
import stasis.repository.Retention;

@Command(name = "forget",
    description = "Remove checkpoints from a repository; prune then frees what no other needs.",
    footer = {"", "Examples: stasis forget --repo R redis@3 redis@4",
        "          stasis forget --repo R redis --keep-last 5 --keep-daily 7 --dry-run",
        "Hours and days are those of UTC. What a tag names stays."})
final class ForgetVerb implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Parameters(paramLabel = "NAME[@K]", arity = "1..*",
      description = "Checkpoints to remove; or a name, with what to keep of it.")
  private List<String> names = List.of();
  @Option(names = "--keep-last", paramLabel = "N", description = "Keep the newest N.")
  private int last;
  @Option(names = "--keep-hourly", paramLabel = "N", description = "Keep the newest of each of N hours.")
  private int hourly;
  @Option(names = "--keep-daily", paramLabel = "N", description = "Keep the newest of each of N days.")
  private int daily;
  @Option(names = "--keep-weekly", paramLabel = "N", description = "Keep the newest of each of N weeks.")
  private int weekly;
  @Option(names = "--dry-run", description = "Only say which would go.")
  private boolean dryRun;
  @Mixin private Kept kept = new Kept();

  ForgetVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    Retention retention = new Retention(last, hourly, daily, weekly);
    List<CheckpointName> wanted = new ArrayList<>();
    for (String name : names) {
      CheckpointName parsed = Arguments.kept(spec, name, kept.repository()).name();
      if (last < 0 || hourly < 0 || daily < 0 || weekly < 0 || parsed.which().isPresent() != retention.keepsNothing()) {
        throw new ParameterException(spec.commandLine(), parsed.which().isPresent()
            ? "give NAME alone with --keep-..., or NAME@K without"
            : "what is to be kept of " + name + "? give --keep-last N, or name the ones to remove: NAME@K");
      }
      wanted.add(parsed);
    }
    return kept.run(session, catalogue -> forget(catalogue, wanted, retention));
  }

  private Kept.Answer forget(Catalogue catalogue, List<CheckpointName> wanted, Retention retention)
      throws ImageException {
    List<KeptImage> going = new ArrayList<>();
    for (CheckpointName name : wanted) {
      if (name.which().isEmpty()) {
        going.addAll(catalogue.forgotten(name.name(), retention));
        continue;
      }
      KeptImage image = catalogue.find(name);
      if (!image.tags().isEmpty()) {
        throw new ImageException(ImageException.Reason.OCCUPIED, image.title() + " has the tag "
            + image.tags().getFirst(), "take that away first: stasis tag --delete " + image.name() + "@"
            + image.tags().getFirst());
      }
      going.add(image);
    }
    List<KeptImage> each = going.stream().distinct().toList();
    if (!dryRun) {
      catalogue.forget(each);
    }
    StringBuilder text = new StringBuilder();
    each.forEach(image -> text.append(image.title()).append(dryRun ? " would be forgotten\n" : " is forgotten\n"));
    return Kept.Answer.done(each.isEmpty() ? "nothing to forget\n" : text.toString(),
        Json.member("forgotten", new Json.Items(each.stream().map(image -> Json.text(image.title())).toList())),
        Json.member("dry_run", new Json.Flag(dryRun)));
  }
}
