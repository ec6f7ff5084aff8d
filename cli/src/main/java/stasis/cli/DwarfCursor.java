package stasis.cli;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import stasis.linux.abi.Bytes;

/// Reads numbers as DWARF and `.eh_frame` write them, from bytes that lie at an address. Going past the end throws
/// [BufferUnderflowException].
final class DwarfCursor {
  private static final int PCREL = 0x10;
  private static final int DATAREL = 0x30;
  private static final int RELATIVE_TO = 0x70;

  private final long address;
  private final ByteBuffer bytes;

  DwarfCursor(long address, Bytes bytes) {
    this(address, ByteBuffer.wrap(bytes.toArray()));
  }

  private DwarfCursor(long address, ByteBuffer bytes) {
    this.address = address;
    this.bytes = bytes.order(ByteOrder.LITTLE_ENDIAN);
  }

  /// Where the next byte comes from.
  long at() {
    return address + bytes.position();
  }

  boolean hasMore() {
    return bytes.hasRemaining();
  }

  /// Another cursor over the same bytes, at an address among them.
  DwarfCursor from(long start) {
    if (Long.compareUnsigned(start - address, bytes.limit()) > 0) {
      throw new BufferUnderflowException();
    }
    return new DwarfCursor(address, bytes.duplicate().position((int) (start - address)));
  }

  /// The next bytes alone; this cursor goes behind them.
  DwarfCursor part(long lengthBytes) {
    if (lengthBytes < 0 || lengthBytes > bytes.remaining()) {
      throw new BufferUnderflowException();
    }
    DwarfCursor part = new DwarfCursor(address,
        bytes.duplicate().limit(bytes.position() + (int) lengthBytes));
    bytes.position(bytes.position() + (int) lengthBytes);
    return part;
  }

  int u8() {
    return Byte.toUnsignedInt(bytes.get());
  }

  long u16() {
    return Short.toUnsignedLong(bytes.getShort());
  }

  long u32() {
    return Integer.toUnsignedLong(bytes.getInt());
  }

  long s8() {
    return bytes.get();
  }

  long s16() {
    return bytes.getShort();
  }

  long s32() {
    return bytes.getInt();
  }

  long u64() {
    return bytes.getLong();
  }

  /// Unsigned LEB128.
  long uleb() {
    long value = 0;
    for (int shift = 0;; shift += 7) {
      int unit = u8();
      value |= shift < Long.SIZE ? (long) (unit & 0x7f) << shift : 0;
      if (unit < 0x80) {
        return value;
      }
    }
  }

  /// Signed LEB128.
  long sleb() {
    long value = 0;
    for (int shift = 0;;) {
      int unit = u8();
      value |= shift < Long.SIZE ? (long) (unit & 0x7f) << shift : 0;
      shift += 7;
      if (unit < 0x80) {
        return shift < Long.SIZE && (unit & 0x40) != 0 ? value | -1L << shift : value;
      }
    }
  }

  /// Text up to a NUL, which is read too.
  String text() {
    var out = new StringBuilder();
    for (int unit = u8(); unit != 0; unit = u8()) {
      out.append(new String(new byte[] {(byte) unit}, StandardCharsets.ISO_8859_1));
    }
    return out.toString();
  }

  /// A pointer in one of the encodings of the LSB (`DW_EH_PE_*`); the bit for "indirect" is not followed.
  ///
  /// @param data what `DW_EH_PE_datarel` counts from
  long pointer(int encoding, long data) {
    long base = switch (encoding & RELATIVE_TO) {
      case PCREL -> at();
      case DATAREL -> data;
      default -> 0;
    };
    return base + switch (encoding & 15) {
      case 0, 4, 12 -> u64();
      case 1 -> uleb();
      case 2 -> u16();
      case 3 -> u32();
      case 9 -> sleb();
      case 10 -> s16();
      case 11 -> s32();
      default -> throw new BufferUnderflowException();
    };
  }
}
