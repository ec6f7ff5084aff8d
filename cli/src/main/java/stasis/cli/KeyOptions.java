package stasis.cli;

import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;
import stasis.repository.ImageException;
import stasis.repository.Keys;

/// The keys that open an encrypted image or repository; any one of them is enough.
class KeyOptions {
  @Option(names = "--key-file", paramLabel = "FILE", description = "Open what is encrypted for this file of random"
      + " bytes.")
  private List<Path> keyFiles = List.of();
  @Option(names = "--passphrase-file", paramLabel = "FILE",
      description = "Open what is encrypted for a passphrase: the first line of FILE; /dev/tty asks.")
  private List<Path> passphraseFiles = List.of();
  @Option(names = "--identity", paramLabel = "FILE",
      description = "Open what is encrypted for the recipient whose identity this is; see stasis keygen.")
  private List<Path> identities = List.of();

  /// @throws ImageException in one sentence, for a file that holds no such key
  Keys keys() throws ImageException {
    return Guard.keys(keyFiles, passphraseFiles, identities, List.of());
  }

  Guard guard() throws ImageException {
    return new Guard(keys());
  }
}
