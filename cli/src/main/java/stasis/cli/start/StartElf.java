package stasis.cli.start;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/// The headers of a start-up image, and the code behind them: ET_EXEC for x86-64, the code read-only, the data writable
/// (elf(5)). Memory of the engine is no segment: the code maps it.
final class StartElf {
  static final int PAGE_BYTES = 4096;
  private static final int HEADER_BYTES = 64;
  private static final int PROGRAM_HEADER_BYTES = 56;
  private static final short ET_EXEC = 2;
  private static final short EM_X86_64 = 62;
  private static final int PT_LOAD = 1;
  private static final int PT_GNU_STACK = 0x6474e551;
  private static final int R_X = 5;
  private static final int R_W = 6;

  private StartElf() {}

  /// The first page of the file.
  static ByteBuffer head() {
    ByteBuffer file = ByteBuffer.allocate(PAGE_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    file.putShort(ET_EXEC).putShort(EM_X86_64).putInt(1);
    file.putLong(StartCode.BASE + StartCode.OFFSET).putLong(HEADER_BYTES).putLong(0).putInt(0);
    file.putShort((short) HEADER_BYTES).putShort((short) PROGRAM_HEADER_BYTES).putShort((short) 3);
    file.putShort((short) 0).putShort((short) 0).putShort((short) 0);
    segment(file, PT_LOAD, R_X, 0, StartCode.BASE, PAGE_BYTES);
    segment(file, PT_LOAD, R_W, PAGE_BYTES, StartCode.DATA, StartData.BYTES);
    segment(file, PT_GNU_STACK, R_W, 0, 0, 0);
    file.position(StartCode.OFFSET);
    file.put(StartCode.CODE.buffer());
    return file.clear();
  }

  private static void segment(ByteBuffer file, int type, int flags, long offset, long address, long lengthBytes) {
    file.putInt(type).putInt(flags).putLong(offset).putLong(address).putLong(address);
    file.putLong(lengthBytes).putLong(lengthBytes).putLong(PAGE_BYTES);
  }
}
