package stasis.image;

import java.io.ByteArrayOutputStream;
import stasis.linux.abi.Bytes;

/// Unsigned LEB128, seven bits a byte, lowest first: what protobuf packs.
final class VarintWriter {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  void put(long unsigned) {
    long rest = unsigned;
    while ((rest & ~0x7fL) != 0) {
      out.write((int) ((rest & 0x7f) | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }

  Bytes bytes() {
    return Bytes.of(out.toByteArray());
  }
}
