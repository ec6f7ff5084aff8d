package stasis.tracee;

import java.util.Arrays;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;

/// The general registers of a stopped x86-64 task: `struct user_regs_struct`, 27 words
/// (arch/x86/include/asm/user_64.h), as PTRACE_GETREGS shows them. Immutable.
public final class Registers {
  public static final int BYTES = 27 * 8;

  /// Word order of `struct user_regs_struct`; names are the hardware's, `ORIG_RAX` is the syscall number or -1.
  public enum Name {
    R15(0), R14(1), R13(2), R12(3), RBP(4), RBX(5), R11(6), R10(7), R9(8), R8(9), RAX(10), RCX(11), RDX(12), RSI(13),
    RDI(14), ORIG_RAX(15), RIP(16), CS(17), EFLAGS(18), RSP(19), SS(20), FS_BASE(21), GS_BASE(22), DS(23), ES(24),
    FS(25), GS(26);

    private final int word;

    Name(int word) {
      this.word = word;
    }
  }

  /// __USER_CS (arch/x86/include/asm/segment.h).
  private static final long CS_64 = 0x33;
  private static final Name[] SYSCALL_ARGUMENTS = {Name.RDI, Name.RSI, Name.RDX, Name.R10, Name.R8, Name.R9};

  private final long[] words;

  private Registers(long[] words) {
    this.words = words;
  }

  /// @param user a `struct user_regs_struct`
  public static Registers of(Bytes user) {
    if (user.length() != BYTES) {
      throw new IllegalArgumentException("user_regs_struct has " + BYTES + " bytes, not " + user.length());
    }
    long[] words = new long[27];
    user.buffer().asLongBuffer().get(words);
    return new Registers(words);
  }

  public Bytes toBytes() {
    return Bytes.ofU64(words);
  }

  public long get(Name name) {
    return words[name.word];
  }

  public Registers with(Name name, long value) {
    long[] copy = words.clone();
    copy[name.word] = value;
    return new Registers(copy);
  }

  /// Whether 64-bit code runs on them; in the compatibility mode of a 32-bit program the kernel's answers differ.
  public boolean is64Bit() {
    return get(Name.CS) == CS_64;
  }

  public RemoteAddress rip() {
    return new RemoteAddress(get(Name.RIP));
  }

  public RemoteAddress rsp() {
    return new RemoteAddress(get(Name.RSP));
  }

  public long rax() {
    return get(Name.RAX);
  }

  /// The number of the syscall the task is in or just left; negative when it is in none.
  public long origRax() {
    return get(Name.ORIG_RAX);
  }

  /// @param index 0..5 @return the syscall argument register
  public long argument(int index) {
    return get(SYSCALL_ARGUMENTS[index]);
  }

  public Registers withRip(RemoteAddress rip) {
    return with(Name.RIP, rip.bits());
  }

  public Registers withRsp(RemoteAddress rsp) {
    return with(Name.RSP, rsp.bits());
  }

  public Registers withRax(long rax) {
    return with(Name.RAX, rax);
  }

  public Registers withOrigRax(long number) {
    return with(Name.ORIG_RAX, number);
  }

  /// These registers with `rip` at `instruction` and rax and the argument registers loaded for a syscall. `orig_rax` is
  /// -1, so that no signal that comes first makes the kernel restart what was there before
  /// (arch/x86/kernel/signal.c, `arch_do_signal_or_restart()`).
  public Registers forCall(RemoteAddress instruction, long number, long... args) {
    long[] copy = words.clone();
    copy[Name.RIP.word] = instruction.bits();
    copy[Name.RAX.word] = number;
    copy[Name.ORIG_RAX.word] = -1;
    for (int i = 0; i < SYSCALL_ARGUMENTS.length; i++) {
      copy[SYSCALL_ARGUMENTS[i].word] = i < args.length ? args[i] : 0;
    }
    return new Registers(copy);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Registers that && Arrays.equals(words, that.words);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(words);
  }

  @Override
  public String toString() {
    var text = new StringBuilder();
    for (Name name : Name.values()) {
      text.append(text.isEmpty() ? "" : " ").append(name.name().toLowerCase(java.util.Locale.ROOT)).append('=')
          .append(Long.toHexString(get(name)));
    }
    return text.toString();
  }
}
