package stasis.linux.abi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// Bytes most of which are zeros, without the zeros; what [#whole] gives is bit for bit what [#of] was given.
///
/// @param packed unsigned LEB128 numbers and content: the length of the whole, then for each piece that is not zeros how
///     many zeros come before it, how long it is, and its bytes. What follows the last piece is zeros. Hostile: checked here
public record SparseBytes(Bytes packed) {
  /// Far above the largest xsave area, which has 11,008 bytes with AMX.
  public static final int MAX_BYTES = 1 << 16;
  private static final int WORD = Long.BYTES;
  private static final int MORE = 0x80;
  private static final int NUMBER_BYTES = 3;
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
    byte[] out = new byte[length + NUMBER_BYTES * (length / WORD + 2)];
    int used = put(out, 0, length);
    int done = 0;
    for (int at = skip(whole, 0, length, true); at < length; at = skip(whole, at, length, true)) {
      int end = skip(whole, at, length, false);
      used = put(out, used, at - done);
      used = put(out, used, end - at);
      whole.get(whole.position() + at, out, used, end - at);
      used += end - at;
      done = end;
      at = end;
    }
    return new SparseBytes(Bytes.of(ByteBuffer.wrap(out, 0, used)));
  }

  public static SparseBytes of(Bytes whole) {
    return of(whole.buffer());
  }

  /// The first word that is zeros, or is not; a rest of less than a word is none that is.
  private static int skip(ByteBuffer whole, int from, int length, boolean zeros) {
    int at = from;
    while (at < length && (length - at >= WORD && whole.getLong(whole.position() + at) == 0) == zeros) {
      at = Math.min(length, at + WORD);
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
