package stasis.cli.start;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import stasis.linux.abi.Bytes;

/// The part of a start-up image that the kernel maps for writing: words, strings, structures, frames and lists.
final class StartData {
  /// All of it, used or not: what follows in the file has a place that does not depend on it.
  static final int BYTES = 1 << 20;

  private final ByteBuffer content = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN)
      .position(StartCode.WORDS_BYTES);

  /// @return its address
  long put(Bytes bytes, int alignment) {
    content.position((content.position() + alignment - 1) / alignment * alignment);
    long address = StartCode.DATA + content.position();
    content.put(bytes.buffer());
    return address;
  }

  long text(String text) {
    return put(Bytes.of((text + "\0").getBytes(StandardCharsets.UTF_8)), 1);
  }

  long room(int lengthBytes) {
    return put(Bytes.zeros(lengthBytes), 16);
  }

  long list(StartCalls calls) {
    content.position((content.position() + 63) / 64 * 64);
    long address = StartCode.DATA + content.position();
    calls.write(content, address);
    return address;
  }

  /// Fills in 8 bytes of room.
  void set(long address, long value) {
    content.putLong(Math.toIntExact(address - StartCode.DATA), value);
  }

  void word(int offset, long value) {
    content.putLong(offset, value);
  }

  ByteBuffer content() {
    return content.duplicate().clear();
  }
}
