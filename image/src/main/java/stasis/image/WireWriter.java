package stasis.image;

import java.nio.ByteBuffer;
import java.util.Arrays;
import stasis.linux.abi.Bytes;

/// Writes protobuf's wire format into one array: a message within another is written where it stands, and moves up by
/// what its length takes. What [WireReader] reads. A checkpoint of many threads writes each of their small messages
/// while garbage is collected: streams of their own, and a copy at each level, were a tenth of all that it allocated.
final class WireWriter {
  private static final int FIRST_BYTES = 256;
  private static final int VARINT_BYTES = 10;
  private static final long LOW = 0x7f;
  private static final int BITS = 7;

  private byte[] bytes = new byte[FIRST_BYTES];
  private int length;

  /// @param wireType of [com.google.protobuf.WireFormat]
  void tag(int field, int wireType) {
    unsigned((long) field << 3 | wireType);
  }

  /// Zigzag: small negative numbers are short.
  void signed(long value) {
    unsigned(value << 1 ^ value >> Long.SIZE - 1);
  }

  /// Unsigned LEB128, seven bits a byte, lowest first.
  void unsigned(long value) {
    room(VARINT_BYTES);
    long rest = value;
    while ((rest & ~LOW) != 0) {
      bytes[length++] = (byte) (rest & LOW | ~LOW);
      rest >>>= BITS;
    }
    bytes[length++] = (byte) rest;
  }

  /// With its length.
  void delimited(byte[] content) {
    unsigned(content.length);
    room(content.length);
    System.arraycopy(content, 0, bytes, length, content.length);
    length += content.length;
  }

  /// With its length.
  void delimited(Bytes content) {
    unsigned(content.length());
    room(content.length());
    content.copyTo(bytes, length);
    length += content.length();
  }

  /// Begins something with a length. @return where, to hand to [#close]
  int open() {
    room(1);
    length++;
    return length;
  }

  void close(int start) {
    int size = length - start;
    int more = 0;
    for (int rest = size >>> BITS; rest != 0; rest >>>= BITS) {
      more++;
    }
    room(more);
    System.arraycopy(bytes, start, bytes, start + more, size);
    length = start - 1;
    unsigned(size);
    length += size;
  }

  Bytes bytes() {
    return Bytes.of(ByteBuffer.wrap(bytes, 0, length));
  }

  private void room(int more) {
    int needed = Math.addExact(length, more);
    if (needed > bytes.length) {
      bytes = Arrays.copyOf(bytes, (int) Math.min(Integer.MAX_VALUE - 8L, Math.max(needed, 2L * bytes.length)));
    }
  }
}
