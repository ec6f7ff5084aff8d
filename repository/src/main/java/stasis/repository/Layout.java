package stasis.repository;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.zip.CRC32C;

/// Where the parts of a statefile lie: preamble, metadata, zeros up to a multiple of 4096, page section, trailer.
/// All numbers little-endian. `docs/statefile-format.md` is the contract.
///
/// @param metadataBytes length of the metadata section @param pageBytes of the page section, a multiple of 4096
/// @param signed whether SHA-256 of pages and a signature stand behind all else
record Layout(long metadataBytes, long pageBytes, boolean signed) {
  /// A required feature: the file is signed.
  static final long SIGNED = 2;
  /// 0x89 shows a 7-bit channel, the newline one that rewrites line ends.
  static final long MAGIC = 0x0a_53_49_53_41_54_53_89L;
  /// The last 8 bytes of a whole statefile.
  static final long END_MAGIC = 0x0a_44_4e_45_2d_54_53_89L;
  static final int VERSION = 1;
  static final int PREAMBLE_BYTES = 64;
  static final int ALIGNMENT_BYTES = 4096;
  /// One CRC each.
  static final int CHUNK_BYTES = 1 << 20;
  static final int SHA256_BYTES = 32;
  static final int TAIL_BYTES = 80;
  /// Page sections from this length on go past the page cache, both ways: one copy less, no memory taken from others,
  /// nothing left for fsync(2) to wait for.
  static final long DIRECT_FROM_BYTES = 64L << 20;
  /// So that offsets in `Bytes` and tables fit an int.
  static final long MAX_METADATA_BYTES = 512L << 20;
  static final long MAX_PAGE_BYTES = 1L << 46;

  Layout {
    if (metadataBytes < 0 || metadataBytes > MAX_METADATA_BYTES || pageBytes < 0 || pageBytes > MAX_PAGE_BYTES
        || pageBytes % ALIGNMENT_BYTES != 0) {
      throw new IllegalArgumentException("no statefile has " + metadataBytes + " bytes of metadata and " + pageBytes
          + " of pages");
    }
  }

  Layout(long metadataBytes, long pageBytes) {
    this(metadataBytes, pageBytes, false);
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java platform has SHA-256", e);
    }
  }

  static long aligned(long offset) {
    return (offset + ALIGNMENT_BYTES - 1) / ALIGNMENT_BYTES * ALIGNMENT_BYTES;
  }

  long pageOffset() {
    return aligned(PREAMBLE_BYTES + metadataBytes);
  }

  int chunks() {
    return (int) ((pageBytes + CHUNK_BYTES - 1) / CHUNK_BYTES);
  }

  /// Where the table of CRCs begins.
  long trailerOffset() {
    return pageOffset() + pageBytes;
  }

  /// Where the SHA-256 of pages and the signature are, if it is signed.
  long signatureOffset() {
    return trailerOffset() + 4L * chunks() + TAIL_BYTES;
  }

  long fileBytes() {
    return signatureOffset() + (signed ? (long) SHA256_BYTES * chunks() + ImageSignature.BYTES : 0);
  }

  /// What a signature goes over. @param head SHA-256 of all before the pages @param pages their SHA-256, of each MiB
  static byte[] root(byte[] head, byte[] pages) {
    MessageDigest sha256 = sha256();
    sha256.update(head);
    sha256.update(pages);
    return sha256.digest();
  }

  /// The first 64 bytes, sealed by their own CRC.
  ByteBuffer preamble() {
    ByteBuffer out = ByteBuffer.allocate(PREAMBLE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(MAGIC).putInt(VERSION).putInt(CHUNK_BYTES);
    out.putLong(signed ? SIGNED : 0).putLong(0); // required and optional features
    out.putLong(metadataBytes).putLong(pageOffset()).putLong(pageBytes);
    out.putInt(0); // reserved
    out.putInt(crc(out.duplicate().flip()));
    return out.flip();
  }

  /// The last 80 bytes.
  ByteBuffer tail(byte[] sha256, int tableCrc) {
    ByteBuffer out = ByteBuffer.allocate(TAIL_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(metadataBytes).putLong(pageBytes).putLong(fileBytes()).put(sha256);
    out.putLong(0); // reserved
    out.putInt(tableCrc);
    out.putInt(crc(out.duplicate().flip()));
    out.putLong(END_MAGIC);
    return out.flip();
  }

  /// CRC32C of what remains in the buffer, which is left as it was.
  static int crc(ByteBuffer bytes) {
    CRC32C crc = new CRC32C();
    crc.update(bytes.duplicate());
    return (int) crc.getValue();
  }
}
