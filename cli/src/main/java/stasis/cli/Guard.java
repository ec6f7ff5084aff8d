package stasis.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.repository.ImageException;
import stasis.repository.ImageOrigin;
import stasis.repository.Key;
import stasis.repository.KeyFiles;
import stasis.repository.Keys;
import stasis.repository.Policy;
import stasis.repository.Protection;
import stasis.repository.SigningKey;

/// What an image is closed and signed with, or opened and looked at.
///
/// @param policy whose images are accepted @param allowCredentials whether a stranger's image may have any
record Guard(Keys keys, Optional<SigningKey> signer, Optional<Policy> policy, boolean allowCredentials) {
  static final Guard NONE = new Guard(Keys.NONE);

  Guard(Keys keys) {
    this(keys, Optional.empty(), Optional.empty(), false);
  }

  Protection protection() {
    return new Protection(keys, signer);
  }

  /// An image as it is let in.
  ImageOrigin in(ImageOrigin origin) {
    return policy.map(accepting -> accepting.guard(origin)).orElse(origin);
  }

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
