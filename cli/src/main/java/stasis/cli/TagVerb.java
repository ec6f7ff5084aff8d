package stasis.cli;

import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import stasis.repository.CheckpointName;
import stasis.repository.KeptImage;

@Command(name = "tag", description = "Give a checkpoint a name that stays with it; forget then leaves it alone.",
    footer = {"", "Examples: stasis tag --repo R redis@7 golden; then stasis restore --repo R redis@golden",
        "          stasis tag --repo R --delete redis@golden"})
final class TagVerb implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Parameters(index = "0", paramLabel = "NAME@K", description = "Which one.")
  private String checkpoint = "";
  @Parameters(index = "1", arity = "0..1", paramLabel = "TAG", description = "Its tag. One that is another's moves.")
  private Optional<String> tag = Optional.empty();
  @Option(names = "--delete", description = "Take the tag NAME@TAG away.")
  private boolean delete;
  @Mixin private Kept kept = new Kept();

  TagVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    CheckpointName name = Arguments.kept(spec, checkpoint, kept.repository()).name();
    if (delete == tag.isPresent()) {
      throw new ParameterException(spec.commandLine(), delete ? "give NAME@TAG alone with --delete" : "which TAG?");
    }
    if (delete) {
      String gone = name.which().orElseThrow(() -> new ParameterException(spec.commandLine(), "which NAME@TAG?"));
      return kept.run(session, catalogue -> {
        catalogue.untag(name.name(), gone);
        return Kept.Answer.done("");
      });
    }
    String word = Arguments.word(spec, tag.orElseThrow());
    return kept.run(session, catalogue -> {
      KeptImage image = catalogue.tag(name, word);
      return Kept.Answer.done(image.name() + "@" + word + " is " + image.title() + "\n",
          Json.member("checkpoint", Json.text(image.title())));
    });
  }
}
