package stasis.repository;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;

/// The file that says that a folder is a repository, and for whom it is closed: `docs/repository-format.md`.
final class Mark {
  static final String NAME = "repository";
  private static final String FIRST = "stasis-repository ";
  private static final String CONTENT = FIRST + "1\n";
  private static final String NEEDS = "needs ";
  private static final String ENCRYPTION = "encryption";
  private static final String SEAL = "seal ";
  private static final int MAX_BYTES = 1 << 16;

  private Mark() {}

  /// What a new repository is to be.
  ///
  /// @param vault what its contents are closed with
  record Fresh(String text, Vault vault) {
    /// @param keys it is encrypted for; none: it is not
    static Fresh of(Keys keys) throws ImageException {
      if (keys.isEmpty()) {
        return new Fresh(CONTENT, Vault.NONE);
      }
      byte[] key = Crypto.random(Crypto.KEY_BYTES);
      String lines = CONTENT + NEEDS + ENCRYPTION + "\n" + SealWriter.closed(key, keys).text();
      Vault vault = Vault.of(key);
      return new Fresh(lines + SEAL + HexFormat.of().formatHex(vault.sealOfMark(lines)) + "\n", vault);
    }
  }

  /// @throws ImageException unless this is a repository this reader knows and the keys open
  static Vault open(Path root, Keys keys) throws ImageException {
    String text = read(root);
    List<String> locks = text.lines().filter(line -> line.startsWith(KeyBox.WORD)).toList();
    boolean encrypted = text.lines().anyMatch((NEEDS + ENCRYPTION)::equals);
    if (!encrypted) {
      Opener.of(keys).notClosed("the repository " + root);
      return Vault.NONE;
    }
    KeyBox box;
    try {
      box = KeyBox.parse(locks);
    } catch (IllegalArgumentException e) {
      throw damaged(root, "has damaged locks: " + e.getMessage());
    }
    Vault vault = Vault.of(box.open(keys, "the repository " + root));
    int last = text.lastIndexOf("\n" + SEAL) + 1;
    String seal = HexFormat.of().formatHex(vault.sealOfMark(text.substring(0, last)));
    if (!text.substring(last).equals(SEAL + seal + "\n")) {
      throw damaged(root, "was changed by somebody who has not the key");
    }
    return vault;
  }

  private static ImageException damaged(Path root, String how) {
    return new ImageException(ImageException.Reason.DAMAGED, root.resolve(NAME) + " " + how,
        "take another copy of it");
  }

  private static String read(Path root) throws ImageException {
    Path mark = root.resolve(NAME);
    if (!Files.isRegularFile(mark)) {
      throw new ImageException(ImageException.Reason.NO_IMAGE, root + " holds no repository",
          "give the folder that `stasis checkpoint --repo` wrote to");
    }
    try {
      if (Files.size(mark) > MAX_BYTES) {
        throw damaged(root, "is too long");
      }
      String text = Files.readString(mark, StandardCharsets.ISO_8859_1);
      if (!text.startsWith(FIRST)) {
        throw damaged(root, "does not say that this is a repository");
      }
      if (!text.startsWith(CONTENT)) {
        throw new ImageException(ImageException.Reason.TOO_NEW, root + " is a repository of a later version",
            "use a newer Stasis");
      }
      for (String line : text.lines().filter(line -> line.startsWith(NEEDS)).toList()) {
        if (!line.equals(NEEDS + ENCRYPTION)) {
          throw new ImageException(ImageException.Reason.TOO_NEW, root + " " + line.replaceAll("[^ -~]", "?")
              + ", which this Stasis does not know", "use a newer Stasis");
        }
      }
      return text;
    } catch (IOException e) {
      throw Faults.of(e, "cannot read the repository", root);
    }
  }
}
