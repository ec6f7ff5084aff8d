package stasis.repository;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import stasis.linux.abi.Bytes;

/// Whose images a restorer accepts. A text file: `accept ed25519:HEX NAME`, a signer a line; `#` begins a remark.
///
/// @param file for messages @param accepted names by public keys
public record Policy(Path file, Map<Bytes, String> accepted) {
  private static final String WORD = "accept ";
  private static final int MAX_BYTES = 1 << 20;

  public Policy {
    accepted = Map.copyOf(accepted);
  }

  /// @throws ImageException when there is none, or a line of it is not understood: then nothing is accepted
  public static Policy read(Path file) throws ImageException {
    Map<Bytes, String> accepted = new TreeMap<>();
    for (String line : lines(file)) {
      String[] words = line.strip().split("\\s+", 3);
      if (words.length < 2 || !words[1].startsWith(KeyFiles.SIGNER) || !(words[0] + " ").equals(WORD)) {
        throw new ImageException(ImageException.Reason.UNTRUSTED, "the policy " + file + " has a line that is not"
            + " understood: " + line.strip().replaceAll("[^ -~]", "?"), "write accept ed25519:HEX NAME");
      }
      accepted.put(KeyFiles.signer(words[1]), words.length > 2 ? words[2] : "");
    }
    return new Policy(file, accepted);
  }

  private static Iterable<String> lines(Path file) throws ImageException {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new ImageException(ImageException.Reason.UNTRUSTED, "the policy " + file + " is too long",
            "give another one");
      }
      return Files.readString(file, StandardCharsets.ISO_8859_1).lines()
          .filter(line -> !line.isBlank() && !line.startsWith("#")).toList();
    } catch (IOException e) {
      throw Faults.of(e, "cannot read the policy", file);
    }
  }

  /// An image as this policy lets it in.
  public ImageOrigin guard(ImageOrigin origin) {
    return () -> {
      ImageReader image = origin.open();
      try {
        require(image.signer());
        return image;
      } catch (ImageException | RuntimeException | Error e) {
        image.close();
        throw e;
      }
    };
  }

  private void require(Optional<Bytes> signer) throws ImageException {
    if (signer.isEmpty()) {
      throw new ImageException(ImageException.Reason.UNTRUSTED, "the image is not signed, and the policy " + file
          + " accepts signed ones only", "sign it when it is written: checkpoint --sign KEY");
    }
    if (!accepted.containsKey(signer.get())) {
      throw new ImageException(ImageException.Reason.UNTRUSTED, "the image is signed by " + KeyFiles.SIGNER
          + HexFormat.of().formatHex(signer.get().toArray()) + ", whom the policy " + file + " does not accept",
          "add that signer there, if you trust it");
    }
  }
}
