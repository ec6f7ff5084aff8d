package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;

/// Closes a statefile while it is written, front to back. For one thread at a time.
final class SealWriter {
  private static final int BUFFERED_SEGMENTS = 16;

  private final Seal seal;
  private final byte[] imageKey;
  private final byte[] key;
  private final byte[] context;
  private final Output output;
  private final Gcm gcm = new Gcm();
  private final ByteBuffer plain = ByteBuffer.allocate(Seal.SEGMENT_BYTES);
  private final ByteBuffer closed = ByteBuffer.allocate(BUFFERED_SEGMENTS * Seal.CLOSED_BYTES);
  private int segment;

  /// Where what is closed goes.
  @FunctionalInterface
  interface Output {
    /// Writes all that remains.
    void write(ByteBuffer bytes) throws IOException;
  }

  /// @param innerBytes how long the statefile will be @throws ImageException for keys that cannot be used
  SealWriter(Keys keys, long innerBytes, Output output) throws ImageException {
    this.imageKey = Crypto.random(Crypto.KEY_BYTES);
    this.seal = Seal.of(closed(imageKey, keys), innerBytes);
    this.key = Seal.segmentKey(imageKey);
    this.context = seal.context();
    this.output = output;
  }

  static KeyBox closed(byte[] key, Keys keys) throws ImageException {
    try {
      return KeyBox.close(key, keys);
    } catch (IllegalArgumentException e) {
      throw new ImageException(ImageException.Reason.LOCKED, "nothing can be encrypted with these keys: "
          + e.getMessage(), "give others", e);
    }
  }

  /// Opens what was written here, whoever it was closed for.
  Opener opener() {
    return (_, _) -> imageKey.clone();
  }

  long fileBytes() {
    return seal.fileBytes();
  }

  /// Before all else.
  void begin() throws IOException {
    output.write(seal.head().buffer());
  }

  /// The next bytes of the statefile; all of them.
  void write(ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      int part = Math.min(plain.remaining(), bytes.remaining());
      plain.put(bytes.slice(bytes.position(), part));
      bytes.position(bytes.position() + part);
      if (segment < seal.segments() && plain.position() == seal.plainBytes(segment)) {
        close();
      }
    }
  }

  private void close() throws IOException {
    gcm.close(key, seal.nonce(segment), context, plain.flip(), closed);
    plain.clear();
    segment++;
    if (closed.remaining() < Seal.CLOSED_BYTES || segment == seal.segments()) {
      output.write(closed.flip());
      closed.clear();
    }
  }
}
