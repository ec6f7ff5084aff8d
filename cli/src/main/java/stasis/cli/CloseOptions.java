package stasis.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;
import stasis.repository.ImageException;
import stasis.repository.KeyFiles;

/// The keys an image is encrypted for; any one of them opens it.
final class CloseOptions {
  @Option(names = "--key-file", paramLabel = "FILE",
      description = "Encrypt for whoever has this file of random bytes; see stasis keygen.")
  private List<Path> keyFiles = List.of();
  @Option(names = "--passphrase-file", paramLabel = "FILE",
      description = "Encrypt for whoever knows a passphrase: the first line of FILE; /dev/tty asks.")
  private List<Path> passphraseFiles = List.of();
  @Option(names = "--recipient", paramLabel = "x25519:HEX|FILE",
      description = "Encrypt for whoever has the identity that goes with this; as often as there are recipients.")
  private List<String> recipients = List.of();
  @Option(names = "--identity", paramLabel = "FILE",
      description = "Open the repository, if it is there already and encrypted for this; else encrypt for it.")
  private List<Path> identities = List.of();

  @Option(names = "--sign", paramLabel = "FILE",
      description = "Sign it with the key in FILE, for the policy of who restores it; see stasis keygen --signing.")
  private Optional<Path> signingKey = Optional.empty();

  /// @throws ImageException in one sentence, for a file that holds no such key
  Guard guard() throws ImageException {
    return new Guard(Guard.keys(keyFiles, passphraseFiles, identities, recipients),
        signingKey.isPresent() ? Optional.of(KeyFiles.signingKey(signingKey.get())) : Optional.empty(),
        Optional.empty(), false);
  }
}
