package stasis.linux.abi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/// An immutable string of bytes: a kernel struct, a buffer in flight, a C string. Integers in it are little-endian, as
/// on every machine the project runs on.
public final class Bytes implements Comparable<Bytes> {
  public static final Bytes EMPTY = new Bytes(new byte[0]);

  private final byte[] content;

  private Bytes(byte[] content) {
    this.content = content;
  }

  public static Bytes of(byte[] content) {
    return new Bytes(content.clone());
  }

  public static Bytes of(ByteBuffer content) {
    byte[] copy = new byte[content.remaining()];
    content.duplicate().get(copy);
    return new Bytes(copy);
  }

  public static Bytes zeros(int lengthBytes) {
    return new Bytes(new byte[lengthBytes]);
  }

  /// @param text chars 0..255, one byte each @return the bytes and a NUL
  public static Bytes cString(String text) {
    byte[] latin1 = text.getBytes(StandardCharsets.ISO_8859_1);
    return new Bytes(Arrays.copyOf(latin1, latin1.length + 1));
  }

  public static Bytes ofU32(int... values) {
    ByteBuffer out = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : values) {
      out.putInt(value);
    }
    return new Bytes(out.array());
  }

  public static Bytes ofU64(long... values) {
    ByteBuffer out = ByteBuffer.allocate(values.length * 8).order(ByteOrder.LITTLE_ENDIAN);
    for (long value : values) {
      out.putLong(value);
    }
    return new Bytes(out.array());
  }

  public static Bytes hex(String digits) {
    return new Bytes(HexFormat.of().parseHex(digits));
  }

  public int length() {
    return content.length;
  }

  public boolean isEmpty() {
    return content.length == 0;
  }

  public int u8(int offset) {
    return content[offset] & 0xff;
  }

  public int u16(int offset) {
    return content[offset] & 0xff | (content[offset + 1] & 0xff) << 8;
  }

  /// Signed or unsigned is the reader's business.
  public int u32(int offset) {
    return u16(offset) | u16(offset + 2) << 16;
  }

  public long u64(int offset) {
    return u32(offset) & 0xffffffffL | (long) u32(offset + 4) << 32;
  }

  public Bytes slice(int offset, int lengthBytes) {
    return new Bytes(Arrays.copyOfRange(content, offset, offset + lengthBytes));
  }

  public Bytes concat(Bytes tail) {
    byte[] all = Arrays.copyOf(content, content.length + tail.content.length);
    System.arraycopy(tail.content, 0, all, content.length, tail.content.length);
    return new Bytes(all);
  }

  /// A copy with the 8 bytes at `offset` replaced.
  public Bytes withU64(int offset, long value) {
    byte[] copy = content.clone();
    ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN).putLong(offset, value);
    return new Bytes(copy);
  }

  /// A copy with the 4 bytes at `offset` replaced.
  public Bytes withU32(int offset, int value) {
    byte[] copy = content.clone();
    ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN).putInt(offset, value);
    return new Bytes(copy);
  }

  /// @throws IndexOutOfBoundsException where it does not fit
  public void copyTo(byte[] target, int offset) {
    System.arraycopy(content, 0, target, offset, content.length);
  }

  public byte[] toArray() {
    return content.clone();
  }

  /// A read-only little-endian view.
  public ByteBuffer buffer() {
    return ByteBuffer.wrap(content).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
  }

  /// One char per byte, up to a NUL or the end.
  public String latin1() {
    int end = 0;
    while (end < content.length && content[end] != 0) {
      end++;
    }
    return new String(content, 0, end, StandardCharsets.ISO_8859_1);
  }

  public String toHex() {
    return HexFormat.of().formatHex(content);
  }

  @Override
  public int compareTo(Bytes other) {
    return Arrays.compareUnsigned(content, other.content);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Bytes that && Arrays.equals(content, that.content);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(content);
  }

  /// Hex; long strings are cut with their length told.
  @Override
  public String toString() {
    return content.length <= 32 ? toHex()
        : HexFormat.of().formatHex(content, 0, 32) + "…(" + content.length + " bytes)";
  }
}
