package stasis.linux.sys;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.HexFormat;
import java.util.Optional;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;

/// Many system calls of the calling thread in one downcall: where hundreds are made in code that is not compiled yet,
/// the way to each costs far more than the call. Each is 64 bytes: number, six arguments, and the kernel's own result.
@SuppressWarnings("restricted") // this module is the one that is granted native access
public final class SyscallBatch {
  /// Words of one call.
  public static final int WORDS = 8;
  /// Which of them is the first argument, and which the result.
  public static final int FIRST = 1;
  public static final int RESULT = 7;

  /// From rdi on rsi calls, at least one: push rbx; push r12; mov rbx, rdi; mov r12, rsi; then mov rax, [rbx]; rdi,
  /// rsi, rdx, r10, r8, r9 from [rbx+8] on; syscall; mov [rbx+56], rax; add rbx, 64; dec r12; jnz; pop r12; pop rbx;
  /// ret.
  private static final String CODE = "53" + "4154" + "4889fb" + "4989f4" + "488b03" + "488b7b08" + "488b7310"
      + "488b5318" + "4c8b5320" + "4c8b4328" + "4c8b4b30" + "0f05" + "48894338" + "4883c340" + "49ffcc" + "75d6"
      + "415c" + "5b" + "c3";
  private static final int CODE_BYTES = 4096;
  private static final int PROT_READ_WRITE = 3;
  private static final int PROT_READ_EXEC = 5;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;
  private static final Optional<MethodHandle> RUN = code();

  private SyscallBatch() {}

  /// Empty on other machines, and where no code may be made.
  private static Optional<MethodHandle> code() {
    if (Syscalls.HOST != Arch.X86_64) {
      return Optional.empty();
    }
    long at = Syscalls.call(Nr.MMAP, 0, CODE_BYTES, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
    if (Errno.isError(at)) {
      return Optional.empty();
    }
    MemorySegment page = MemorySegment.ofAddress(at).reinterpret(CODE_BYTES);
    page.copyFrom(MemorySegment.ofArray(HexFormat.of().parseHex(CODE)));
    if (Syscalls.call(Nr.MPROTECT, at, CODE_BYTES, PROT_READ_EXEC) != 0) {
      Syscalls.call(Nr.MUNMAP, at, CODE_BYTES);
      return Optional.empty();
    }
    return Optional.of(Linker.nativeLinker().downcallHandle(page, FunctionDescriptor.ofVoid(JAVA_LONG, JAVA_LONG)));
  }

  /// Makes them in their order, whatever each answers.
  ///
  /// @param calls at least one; native memory
  public static void run(MemorySegment calls, int count) {
    if (count < 1 || calls.byteSize() < (long) count * WORDS * Long.BYTES) {
      throw new IllegalArgumentException(count + " calls in " + calls.byteSize() + " bytes");
    }
    try {
      if (RUN.isPresent()) {
        RUN.get().invokeExact(calls.address(), (long) count);
        return;
      }
    } catch (Throwable t) {
      throw new AssertionError("downcall of a batch broke its descriptor", t);
    }
    for (int i = 0; i < count; i++) {
      long at = (long) i * WORDS;
      calls.setAtIndex(JAVA_LONG, at + RESULT, Syscalls.callNumber(calls.getAtIndex(JAVA_LONG, at),
          calls.getAtIndex(JAVA_LONG, at + 1), calls.getAtIndex(JAVA_LONG, at + 2), calls.getAtIndex(JAVA_LONG, at + 3),
          calls.getAtIndex(JAVA_LONG, at + 4), calls.getAtIndex(JAVA_LONG, at + 5),
          calls.getAtIndex(JAVA_LONG, at + 6)));
    }
  }
}
