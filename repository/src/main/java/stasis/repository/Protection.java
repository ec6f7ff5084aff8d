package stasis.repository;

import java.nio.ByteBuffer;
import java.util.Optional;

/// What a writer does so that others can neither read nor change an image.
///
/// @param keys it is encrypted for; none: it is not @param signer who signs it, if anybody does
public record Protection(Keys keys, Optional<SigningKey> signer) {
  public static final Protection NONE = new Protection(Keys.NONE, Optional.empty());

  /// Encrypted, and not signed.
  public static Protection of(Keys keys) {
    return new Protection(keys, Optional.empty());
  }

  /// The end of a statefile that is signed.
  ///
  /// @param head SHA-256 of all before the pages @param pages SHA-256 of each MiB
  static ByteBuffer signature(SigningKey signer, byte[] head, byte[] pages) {
    ImageSignature by = ImageSignature.of(signer, ImageSignature.STATEFILE, Layout.root(head, pages));
    return ByteBuffer.allocate(pages.length + ImageSignature.BYTES).put(pages).put(by.publicKey().buffer())
        .put(by.signed().buffer()).flip();
  }
}
