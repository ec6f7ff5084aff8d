package stasis.linux.abi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/// Bytes most of which are zeros, without the zeros; what [#whole] gives is bit for bit what [#of] was given.
///
/// @param packed unsigned LEB128 numbers and content: the length of the whole, then for each piece that is not zeros how
///     many zeros come before it, how long it is, and its bytes. What follows the last piece is zeros. Checked here
public record SparseBytes(Bytes packed) {
  /// Far above the largest xsave area, which has 11,008 bytes with AMX.
  public static final int MAX_BYTES = 1 << 16;
  private static final int WORD = Long.BYTES;
  private static final int MORE = 0x80;
  private static final int NUMBER_BYTES = 3;
  private static final int FIRST_BYTES = 1024;
  private static final ByteBuffer ZEROS = ByteBuffer.allocate(4096).asReadOnlyBuffer();

  /// @throws IllegalArgumentException where it is not what [#of] makes: cut short, too long, a piece outside the whole
  public SparseBytes {
    Cursor pieces = new Cursor(packed);
    while (pieces.next()) {
      // Looked at only.
    }
  }

  /// @param whole all from its position to its limit; at most [#MAX_BYTES]
  public static SparseBytes of(ByteBuffer whole) {
    int length = whole.remaining();
    if (length > MAX_BYTES) {
      throw new IllegalArgumentException(length + " bytes, at most " + MAX_BYTES + " are expected");
    }
    byte[] out = new byte[FIRST_BYTES];
    int used = put(out, 0, length);
    int done = 0;
    for (int at = zerosEnd(whole, 0, length); at < length; at = zerosEnd(whole, done, length)) {
      int end = pieceEnd(whole, at, length);
      if (out.length - used < end - at + 2 * NUMBER_BYTES) {
        out = Arrays.copyOf(out, 2 * out.length + end - at);
      }
      used = put(out, used, at - done);
      used = put(out, used, end - at);
      whole.get(whole.position() + at, out, used, end - at);
      used += end - at;
      done = end;
    }
    return new SparseBytes(Bytes.of(ByteBuffer.wrap(out, 0, used)));
  }

  public static SparseBytes of(Bytes whole) {
    return of(whole.buffer());
  }

  /// Where the first byte that is not zero is, or the end.
  private static int zerosEnd(ByteBuffer whole, int from, int length) {
    int at = from;
    while (at < length) {
      int bytes = Math.min(ZEROS.capacity(), length - at);
      int other = whole.slice(whole.position() + at, bytes).mismatch(ZEROS.slice(0, bytes));
      if (other >= 0) {
        return at + other;
      }
      at += bytes;
    }
    return length;
  }

  /// Where as many zeros begin as make a new piece worth its numbers, or the end.
  private static int pieceEnd(ByteBuffer whole, int from, int length) {
    int at = from + 1;
    while (at < length && (length - at < WORD || whole.getLong(whole.position() + at) != 0)) {
      at++;
    }
    return at;
  }

  private static int put(byte[] out, int at, int number) {
    int used = at;
    int rest = number;
    for (; rest >= MORE; rest >>>= 7) {
      out[used++] = (byte) (rest | MORE);
    }
    out[used++] = (byte) rest;
    return used;
  }

  /// Of the whole.
  public int length() {
    return new Cursor(packed).length;
  }

  public Bytes whole() {
    ByteBuffer whole = ByteBuffer.allocate(length());
    copyTo(whole);
    return Bytes.of(whole.rewind());
  }

  /// Writes the whole to the start of a buffer, as much of it as has room, and zeros behind it.
  public void copyTo(ByteBuffer target) {
    for (int at = 0; at < target.capacity(); at += ZEROS.capacity()) {
      target.put(at, ZEROS, 0, Math.min(ZEROS.capacity(), target.capacity() - at));
    }
    Cursor pieces = new Cursor(packed);
    while (pieces.next() && pieces.offset < target.capacity()) {
      target.put(pieces.offset, packed.buffer(), pieces.content,
          Math.min(pieces.lengthBytes, target.capacity() - pieces.offset));
    }
  }

  /// 8 bytes of the whole. @throws IndexOutOfBoundsException where it ends before
  public long u64(int offset) {
    byte[] word = new byte[WORD];
    Cursor pieces = new Cursor(packed);
    if (offset < 0 || offset > pieces.length - WORD) {
      throw new IndexOutOfBoundsException(offset);
    }
    while (pieces.next()) {
      for (int i = Math.max(offset, pieces.offset); i < Math.min(offset + WORD, pieces.offset + pieces.lengthBytes);
          i++) {
        word[i - offset] = (byte) packed.u8(pieces.content + i - pieces.offset);
      }
    }
    return ByteBuffer.wrap(word).order(ByteOrder.LITTLE_ENDIAN).getLong();
  }

  /// Piece by piece.
  private static final class Cursor {
    private final Bytes packed;
    private final int length;
    private int at;
    private int offset;
    private int lengthBytes;
    private int content;

    Cursor(Bytes packed) {
      this.packed = packed;
      this.length = number();
      if (length > MAX_BYTES) {
        throw new IllegalArgumentException(length + " bytes, at most " + MAX_BYTES + " are expected");
      }
    }

    boolean next() {
      if (at == packed.length()) {
        return false;
      }
      int zeros = number();
      int bytes = number();
      if (bytes == 0 || zeros > length - offset - lengthBytes || bytes > length - offset - lengthBytes - zeros
          || bytes > packed.length() - at) {
        throw new IllegalArgumentException("a piece of " + bytes + " bytes after " + zeros + " zeros is outside the "
            + length + " bytes, or cut short");
      }
      offset += lengthBytes + zeros;
      lengthBytes = bytes;
      content = at;
      at += bytes;
      return true;
    }

    private int number() {
      int number = 0;
      for (int i = 0; i < NUMBER_BYTES && at < packed.length(); i++) {
        int b = packed.u8(at++);
        number |= (b & MORE - 1) << 7 * i;
        if (b < MORE) {
          return number;
        }
      }
      throw new IllegalArgumentException("a number of it is cut short, or has more than " + NUMBER_BYTES + " bytes");
    }
  }
}
