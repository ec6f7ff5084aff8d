package stasis.repository;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/// The SHA-256 of a chunk's contents, by which it is known. Four big-endian words, so that order is that of the bytes.
record ChunkId(long a, long b, long c, long d) implements Comparable<ChunkId> {
  static final int BYTES = 32;

  static ChunkId of(byte[] sha256) {
    return read(ByteBuffer.wrap(sha256));
  }

  /// Takes 32 bytes from the buffer, whatever its byte order.
  static ChunkId read(ByteBuffer in) {
    ByteBuffer words = in.slice(in.position(), BYTES).order(ByteOrder.BIG_ENDIAN);
    in.position(in.position() + BYTES);
    return new ChunkId(words.getLong(), words.getLong(), words.getLong(), words.getLong());
  }

  /// @throws IllegalArgumentException unless it is 64 hexadecimal digits
  static ChunkId parse(String hex) {
    byte[] sha256 = HexFormat.of().parseHex(hex);
    if (sha256.length != BYTES) {
      throw new IllegalArgumentException("a SHA-256 has 64 digits, not " + hex.length());
    }
    return of(sha256);
  }

  void write(ByteBuffer out) {
    ByteOrder order = out.order();
    out.order(ByteOrder.BIG_ENDIAN).putLong(a).putLong(b).putLong(c).putLong(d).order(order);
  }

  /// Whether a chunk map is cut behind a piece with this chunk: one in 1024 of them.
  boolean cuts() {
    return (a >>> 48 & 1023) == 0;
  }

  @Override
  public int compareTo(ChunkId other) {
    int order = Long.compareUnsigned(a, other.a);
    order = order == 0 ? Long.compareUnsigned(b, other.b) : order;
    order = order == 0 ? Long.compareUnsigned(c, other.c) : order;
    return order == 0 ? Long.compareUnsigned(d, other.d) : order;
  }

  @Override
  public String toString() {
    return "%016x%016x%016x%016x".formatted(a, b, c, d);
  }
}
