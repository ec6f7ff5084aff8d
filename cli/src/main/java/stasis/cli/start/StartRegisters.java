package stasis.cli.start;

import stasis.linux.abi.Bytes;

/// The general registers of an image: `struct user_regs_struct`, 27 words (arch/x86/include/asm/user_64.h).
record StartRegisters(Bytes words) {
  /// Word order of `struct user_regs_struct`.
  enum Name {
    R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI, ORIG_RAX, RIP, CS, EFLAGS, RSP, SS,
    FS_BASE, GS_BASE, DS, ES, FS, GS
  }

  StartRegisters {
    if (words.length() != Name.values().length * Long.BYTES) {
      throw new IllegalArgumentException("user_regs_struct has 27 words, not " + words.length() + " bytes");
    }
  }

  long get(Name name) {
    return words.u64(name.ordinal() * Long.BYTES);
  }

  StartRegisters with(Name name, long value) {
    return new StartRegisters(words.withU64(name.ordinal() * Long.BYTES, value));
  }
}
