package stasis.linux.bpf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;

/// One record as a program wrote it, read by field.
final class Row<F extends Enum<F> & KernelField> {
  private final RecordLayout<F> layout;
  private final ByteBuffer record;

  /// @param at where in `records` this one starts
  Row(RecordLayout<F> layout, byte[] records, int at) {
    this.layout = layout;
    record = ByteBuffer.wrap(records, at, layout.bytes()).slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  boolean has(F field) {
    return layout.has(field);
  }

  /// The value, zero-extended.
  long unsigned(F field) {
    int at = layout.recordAt(field);
    int bytes = layout.bytesOf(field);
    long value = 0;
    for (int i = Math.min(bytes, Long.BYTES) - 1; i >= 0; i--) {
      value = value << 8 | (record.get(at + i) & 0xff);
    }
    int width = layout.widthOf(field);
    return width == 0 ? value : (value >>> layout.shiftOf(field)) & ((1L << width) - 1);
  }

  /// The low 32 bits; what an `int` field holds.
  int int32(F field) {
    return (int) unsigned(field);
  }

  boolean flag(F field) {
    return unsigned(field) != 0;
  }

  RemoteAddress address(F field) {
    return new RemoteAddress(unsigned(field));
  }

  SigSet sigSet(F field) {
    return new SigSet(unsigned(field));
  }

  Bytes bytes(F field) {
    byte[] copy = new byte[layout.bytesOf(field)];
    record.get(layout.recordAt(field), copy);
    return Bytes.of(copy);
  }

  /// A symbol as the kernel printed it.
  String text(F field) {
    return bytes(field).latin1();
  }

}
