package stasis.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;
import stasis.repository.ImageException;
import stasis.repository.KeyFiles;
import stasis.repository.Protection;

/// The keys of the repository that is copied to: they open it, or it is made for them.
final class TargetKeyOptions {
  @Option(names = "--to-key-file", paramLabel = "FILE", description = "Key file of the other repository.")
  private List<Path> keyFiles = List.of();
  @Option(names = "--to-passphrase-file", paramLabel = "FILE", description = "Passphrase of the other repository.")
  private List<Path> passphraseFiles = List.of();
  @Option(names = "--to-identity", paramLabel = "FILE", description = "Identity that opens the other repository.")
  private List<Path> identities = List.of();
  @Option(names = "--to-recipient", paramLabel = "x25519:HEX|FILE",
      description = "If it is made for this: encrypt it for that recipient.")
  private List<String> recipients = List.of();

  @Option(names = "--sign", paramLabel = "FILE", description = "Sign the copies; without this those that need not be"
      + " encrypted anew keep the signature they have.")
  private Optional<Path> signingKey = Optional.empty();

  Protection protection() throws ImageException {
    return new Protection(Guard.keys(keyFiles, passphraseFiles, identities, recipients),
        signingKey.isPresent() ? Optional.of(KeyFiles.signingKey(signingKey.get())) : Optional.empty());
  }
}
