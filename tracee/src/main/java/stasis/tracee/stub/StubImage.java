package stasis.tracee.stub;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;

/// An ELF executable of one page, made here: ET_EXEC for x86-64, one PT_LOAD (r-x) at a chosen base, the stub's code
/// behind the headers (elf(5)). No interpreter, no PT_GNU_STACK: on x86-64 the kernel then gives a stack that is not
/// executable (arch/x86/include/asm/elf.h, `elf_read_implies_exec()`).
///
/// @param base page-aligned; must lie in an address hole of whatever the task is to become
public record StubImage(RemoteAddress base) {
  /// What the image takes of the address space, from [#base] on.
  public static final int BYTES = 4096;

  static final int CODE_OFFSET = 0x80;
  private static final int HEADER_BYTES = 64;
  private static final int PROGRAM_HEADER_BYTES = 56;
  private static final short ET_EXEC = 2;
  private static final short EM_X86_64 = 62;
  private static final int PT_LOAD = 1;
  private static final int PF_R_X = 5;

  public StubImage {
    if (base.bits() % BYTES != 0 || base.bits() <= 0) {
      throw new IllegalArgumentException("a stub's base is a page-aligned user address, not " + base);
    }
  }

  /// Where a label of [StubCode] lies in a task that runs this image.
  RemoteAddress at(int codeOffset) {
    return base.plus(CODE_OFFSET + codeOffset);
  }

  /// The whole file.
  ///
  /// @param entry a label of [StubCode]
  Bytes file(Bytes code, int entry) {
    ByteBuffer file = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    file.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    file.putShort(ET_EXEC).putShort(EM_X86_64).putInt(1);
    file.putLong(at(entry).bits()).putLong(HEADER_BYTES).putLong(0).putInt(0);
    file.putShort((short) HEADER_BYTES).putShort((short) PROGRAM_HEADER_BYTES).putShort((short) 1);
    file.putShort((short) 0).putShort((short) 0).putShort((short) 0);
    file.putInt(PT_LOAD).putInt(PF_R_X).putLong(0).putLong(base.bits()).putLong(base.bits());
    file.putLong(BYTES).putLong(BYTES).putLong(BYTES);
    file.position(CODE_OFFSET);
    file.put(code.buffer());
    return Bytes.of(file.clear());
  }
}
