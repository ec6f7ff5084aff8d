package stasis.repository;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import stasis.linux.abi.Bytes;

/// Who has signed an image. Ed25519 over a line that says what is signed, and a SHA-256 on which all of it hangs.
///
/// @param publicKey the signer's @param signed 64 bytes
record ImageSignature(Bytes publicKey, Bytes signed) {
  static final int BYTES = SigningKey.KEY_BYTES + SigningKey.SIGNATURE_BYTES;
  static final String STATEFILE = "stasis statefile signature 1\n";
  static final String CHECKPOINT = "stasis checkpoint signature 1\n";

  /// @param what one of the lines above: a signature of the one is none of the other
  static ImageSignature of(SigningKey key, String what, byte[] root) {
    return new ImageSignature(key.publicKey(), key.sign(message(what, root)));
  }

  boolean fits(String what, byte[] root) {
    return SigningKey.verifies(publicKey, message(what, root), signed);
  }

  private static byte[] message(String what, byte[] root) {
    byte[] line = what.getBytes(StandardCharsets.US_ASCII);
    byte[] message = Arrays.copyOf(line, line.length + root.length);
    System.arraycopy(root, 0, message, line.length, root.length);
    return message;
  }
}
