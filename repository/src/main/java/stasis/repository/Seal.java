package stasis.repository;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import stasis.linux.abi.Bytes;

/// How a statefile is closed: preamble, locks, and the statefile itself in segments of 64 KiB, each closed with its
/// number. `docs/statefile-format.md` is the contract.
///
/// @param head preamble and locks, which every segment is bound to by their SHA-256
/// @param innerBytes length of the statefile
record Seal(KeyBox box, Bytes head, long innerBytes) {
  static final int SEGMENT_BYTES = 64 << 10;
  static final int CLOSED_BYTES = SEGMENT_BYTES + Gcm.TAG_BYTES;
  /// The required feature of the preamble.
  static final long FEATURE = 1;
  private static final long MAX_INNER_BYTES = Layout.MAX_PAGE_BYTES + Layout.MAX_METADATA_BYTES * 2;
  private static final String PURPOSE = "stasis statefile 1";

  static Seal of(KeyBox box, long innerBytes) {
    byte[] locks = box.text().getBytes(StandardCharsets.US_ASCII);
    ByteBuffer out = ByteBuffer.allocate(Layout.PREAMBLE_BYTES + locks.length).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(Layout.MAGIC).putInt(Layout.VERSION).putInt(SEGMENT_BYTES);
    out.putLong(FEATURE).putLong(0);
    out.putLong(locks.length).putLong(Layout.PREAMBLE_BYTES + locks.length).putLong(innerBytes);
    out.putInt(0);
    out.putInt(Layout.crc(out.duplicate().flip()));
    out.put(locks);
    return new Seal(box, Bytes.of(out.flip()), innerBytes);
  }

  /// Whether a preamble, its CRC checked, is that of one.
  static boolean isOne(ByteBuffer preamble) {
    return preamble.getInt(8) == Layout.VERSION && preamble.getLong(16) == FEATURE;
  }

  /// How long the file will be. @param preamble checked @throws ImageException when it makes no sense
  static long announcedBytes(Path file, ByteBuffer preamble) throws ImageException {
    long boxBytes = preamble.getLong(32);
    long innerBytes = preamble.getLong(48);
    if (preamble.getInt(12) != SEGMENT_BYTES || boxBytes < 1 || boxBytes > KeyBox.MAX_TEXT_BYTES
        || preamble.getLong(40) != Layout.PREAMBLE_BYTES + boxBytes || innerBytes < 1 || innerBytes > MAX_INNER_BYTES) {
      throw FolderReader.damaged(file, "has impossible lengths");
    }
    return fileBytes(Layout.PREAMBLE_BYTES + boxBytes, innerBytes);
  }

  /// @param preamble checked @throws ImageException when it or the locks make no sense
  static Seal read(Path file, FileChannel channel, ByteBuffer preamble) throws IOException, ImageException {
    FolderReader.refuseLength(file, channel.size(), announcedBytes(file, preamble));
    long boxBytes = preamble.getLong(32);
    ByteBuffer head = ByteBuffer.allocate(Layout.PREAMBLE_BYTES + (int) boxBytes);
    FolderReader.readFully(channel, 0, head);
    head.flip();
    try {
      String text = StandardCharsets.US_ASCII.newDecoder().decode(head.slice(Layout.PREAMBLE_BYTES, (int) boxBytes))
          .toString();
      KeyBox box = KeyBox.parse(text.lines().toList());
      if (box.text().equals(text)) {
        return new Seal(box, Bytes.of(head), preamble.getLong(48));
      }
    } catch (CharacterCodingException | IllegalArgumentException _) {
      // said below
    }
    throw FolderReader.damaged(file, "has damaged locks");
  }

  int segments() {
    return segments(innerBytes);
  }

  private static int segments(long innerBytes) {
    return Math.toIntExact((innerBytes + SEGMENT_BYTES - 1) / SEGMENT_BYTES);
  }

  long fileBytes() {
    return fileBytes(head.length(), innerBytes);
  }

  private static long fileBytes(long headBytes, long innerBytes) {
    return headBytes + innerBytes + (long) Gcm.TAG_BYTES * segments(innerBytes);
  }

  /// Where a segment lies in the file.
  long offset(int segment) {
    return head.length() + (long) segment * CLOSED_BYTES;
  }

  /// How much of the statefile a segment is.
  int plainBytes(int segment) {
    return (int) Math.min(SEGMENT_BYTES, innerBytes - (long) segment * SEGMENT_BYTES);
  }

  /// What all segments are bound to.
  byte[] context() {
    return Layout.sha256().digest(head.toArray());
  }

  /// The key of all segments of this one image, from the key in its box.
  static byte[] segmentKey(byte[] key) {
    return Crypto.derive(key, new byte[0], PURPOSE);
  }

  /// Never the same twice: it is the segment's number, and whether it is the last.
  byte[] nonce(int segment) {
    return ByteBuffer.allocate(Gcm.NONCE_BYTES).putLong(0, segment).put(8, (byte) (segment == segments() - 1 ? 1 : 0))
        .array();
  }
}
