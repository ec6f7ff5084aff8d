package stasis.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import stasis.repository.ImageException;
import stasis.repository.Key;
import stasis.repository.KeyFiles;
import stasis.repository.Keys;

/// What an image is closed with, or opened.
record Guard(Keys keys) {
  static final Guard NONE = new Guard(Keys.NONE);

  /// What the files say. @throws ImageException in one sentence, for one that holds no such key
  static Keys keys(List<Path> keyFiles, List<Path> passphraseFiles, List<Path> identities, List<String> recipients)
      throws ImageException {
    List<Key> keys = new ArrayList<>();
    for (Path file : keyFiles) {
      keys.add(KeyFiles.keyFile(file));
    }
    for (Path file : passphraseFiles) {
      keys.add(KeyFiles.passphrase(file));
    }
    for (Path file : identities) {
      keys.add(KeyFiles.identity(file));
    }
    for (String recipient : recipients) {
      keys.add(KeyFiles.recipient(recipient));
    }
    return new Keys(keys);
  }
}
