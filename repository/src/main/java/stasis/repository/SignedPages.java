package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import stasis.linux.abi.Bytes;

/// The end of a signed statefile: SHA-256 of each MiB of pages, and who says so.
///
/// @param digests 32 bytes each
record SignedPages(Bytes digests, Bytes signer) {
  /// @param head SHA-256 of all before the pages @throws ImageException when the signature does not fit
  static SignedPages read(Path file, ByteSource source, Layout layout, byte[] head) throws IOException, ImageException {
    int digestBytes = Layout.SHA256_BYTES * layout.chunks();
    byte[] digests = bytes(source, layout.signatureOffset(), digestBytes);
    Bytes end = Bytes.of(bytes(source, layout.signatureOffset() + digestBytes, ImageSignature.BYTES));
    ImageSignature by = new ImageSignature(end.slice(0, SigningKey.KEY_BYTES),
        end.slice(SigningKey.KEY_BYTES, SigningKey.SIGNATURE_BYTES));
    if (!by.fits(ImageSignature.STATEFILE, Layout.root(head, digests))) {
      throw FolderReader.damaged(file, "has a signature that does not fit: it was changed");
    }
    return new SignedPages(Bytes.of(digests), by.publicKey());
  }

  private static byte[] bytes(ByteSource source, long offset, int lengthBytes) throws IOException, ImageException {
    byte[] bytes = new byte[lengthBytes];
    source.read(offset, ByteBuffer.wrap(bytes));
    return bytes;
  }

  boolean fits(int chunk, ByteBuffer bytes) {
    MessageDigest sha256 = Layout.sha256();
    sha256.update(bytes.duplicate());
    return digests.slice(chunk * Layout.SHA256_BYTES, Layout.SHA256_BYTES).equals(Bytes.of(sha256.digest()));
  }
}
