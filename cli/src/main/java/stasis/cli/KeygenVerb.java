package stasis.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import stasis.repository.KeyFiles;

@Command(name = "keygen", description = "Make a key that images are encrypted for, or signed with.",
    footer = {"", "Examples: stasis keygen -o backup.key; then checkpoint --recipient backup.key.pub,"
        + " and restore --identity backup.key",
        "          stasis keygen --key-file -o shared.key; then --key-file shared.key both times",
        "          stasis keygen --signing -o me.key; then checkpoint --sign me.key",
        "The public half is printed and written to FILE.pub."})
final class KeygenVerb implements Callable<Integer> {
  private final Session session;

  @Spec private CommandSpec spec = CommandSpec.create();
  @Option(names = {"-o", "--output"}, paramLabel = "FILE", required = true, description = "Where the key goes.")
  private Path output = Path.of("");
  @Option(names = "--signing", description = "A key that signs, instead of an identity that opens.")
  private boolean signing;
  @Option(names = "--key-file", description = "A file of random bytes that closes and opens.")
  private boolean keyFile;
  @Mixin private JsonOption json = new JsonOption();

  KeygenVerb(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() throws IOException {
    if (signing && keyFile) {
      throw new ParameterException(spec.commandLine(), "--signing and --key-file exclude each other");
    }
    KeyFiles.Kind kind = signing ? KeyFiles.Kind.SIGNING : keyFile ? KeyFiles.Kind.KEY_FILE : KeyFiles.Kind.IDENTITY;
    return Kept.run(session.console(), json, () -> {
      Path file = Arguments.normal(output);
      String open = KeyFiles.generate(kind, file);
      return Kept.Answer.done(open.isEmpty() ? "" : open + "\n",
          Json.member("file", Json.text(file.toString())), Json.member("public", Json.text(open)));
    });
  }
}
