package stasis.cli;

import java.nio.BufferUnderflowException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.engine.ImageMemory;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.repository.ImageException;
import stasis.resource.VmaState;

/// Finds the callers of a function in memory of an image: by the call frame information of the ELF files mapped there,
/// and where there is none, as in code that a JIT compiler made, by the frame pointer.
final class Unwinder {
  static final int MAX_FRAMES = 256;
  /// DWARF's numbers of registers (System V ABI for AMD64, figure 3.36) as words of `struct user_regs_struct`
  /// (arch/x86/include/asm/user_64.h): rax, rdx, rcx, rbx, rsi, rdi, rbp, rsp, r8 to r15, rip.
  private static final int[] WORDS = {10, 12, 11, 5, 13, 14, 4, 19, 9, 8, 7, 6, 3, 2, 1, 0, 16};
  private static final int RBP = 6;
  private static final int RSP = 7;
  private static final int RIP = 16;

  private final ImageMemory image;
  private final ObjectId mm;
  private final List<VmaState> vmas;
  private final Map<Long, Optional<CallFrames>> modules = new HashMap<>();

  /// The registers of a function, as far as they are known.
  ///
  /// @param interrupted whether the program was at this very address, and not behind a call
  record Frame(List<Optional<Long>> registers, boolean interrupted) {
    long pc() {
      return registers.get(RIP).orElse(0L);
    }

    /// An address of the instruction that it is in: that of the call, for a caller.
    long within() {
      return interrupted ? pc() : pc() - 1;
    }
  }

  Unwinder(ImageMemory image, ObjectId mm) {
    this.image = image;
    this.mm = mm;
    this.vmas = image.vmas(mm);
  }

  /// @param registers a `struct user_regs_struct`
  static Frame innermost(Bytes registers) {
    return new Frame(Arrays.stream(WORDS).mapToObj(word -> Optional.of(registers.u64(8 * word))).toList(), true);
  }

  /// Empty at the end of the stack, and where nothing tells.
  Optional<Frame> caller(Frame frame) throws ImageException {
    Optional<CallFrames.Description> description = module(frame.within()).flatMap(m -> m.at(frame.within()));
    Optional<Frame> caller;
    try {
      caller = description.isPresent() ? described(frame, description.get()) : byFramePointer(frame);
    } catch (BufferUnderflowException | UnsupportedOperationException e) {
      return Optional.empty();
    }
    // Stacks grow downwards, except from a signal's own stack to the one that it interrupted.
    return caller.filter(found -> isCode(found.within()) && (found.interrupted()
        || Long.compareUnsigned(word(found, RSP), word(frame, RSP)) > 0));
  }

  private Optional<Frame> described(Frame frame, CallFrames.Description description) throws ImageException {
    FrameRules rules = FrameRules.at(description, frame.within());
    long cfa = switch (rules.cfa()) {
      case FrameRules.Cfa.OfRegister(int register, long offset) -> word(frame, register) + offset;
      case FrameRules.Cfa.OfExpression(DwarfCursor code) -> evaluate(code, 0, frame);
    };
    List<Optional<Long>> registers = new ArrayList<>();
    for (int i = 0; i < WORDS.length; i++) {
      registers.add(i == RSP && rules.of(RSP).isEmpty() ? Optional.of(cfa) : register(rules, i, cfa, frame));
    }
    Optional<Long> pc = register(rules, description.returnAddress(), cfa, frame);
    registers.set(RIP, pc);
    return pc.map(_ -> new Frame(List.copyOf(registers), description.signalFrame()));
  }

  private Optional<Long> register(FrameRules rules, int register, long cfa, Frame frame) throws ImageException {
    Optional<FrameRules.Rule> rule = rules.of(register);
    if (rule.isEmpty()) {
      return register < WORDS.length ? frame.registers().get(register) : Optional.empty();
    }
    return switch (rule.get()) {
      case FrameRules.Rule.Undefined() -> Optional.empty();
      case FrameRules.Rule.AtOffset(long offset) -> Optional.of(memory(cfa + offset));
      case FrameRules.Rule.IsOffset(long offset) -> Optional.of(cfa + offset);
      case FrameRules.Rule.InRegister(int other) -> Optional.of(word(frame, other));
      case FrameRules.Rule.AtExpression(DwarfCursor code) -> Optional.of(memory(evaluate(code, cfa, frame)));
      case FrameRules.Rule.IsExpression(DwarfCursor code) -> Optional.of(evaluate(code, cfa, frame));
    };
  }

  private long evaluate(DwarfCursor code, long first, Frame frame) throws ImageException {
    return DwarfExpression.value(code.from(code.at()), first, register -> word(frame, register), this::memory);
  }

  /// `push %rbp; mov %rsp, %rbp`: the caller's own, and where to return to.
  private Optional<Frame> byFramePointer(Frame frame) throws ImageException {
    long at = word(frame, RBP);
    if (at % 8 != 0 || Long.compareUnsigned(at, word(frame, RSP)) < 0) {
      return Optional.empty();
    }
    long pc = memory(at + 8);
    List<Optional<Long>> registers = new ArrayList<>(Collections.nCopies(WORDS.length, Optional.empty()));
    registers.set(RBP, Optional.of(memory(at)));
    registers.set(RSP, Optional.of(at + 16));
    registers.set(RIP, Optional.of(pc));
    return Optional.of(new Frame(List.copyOf(registers), false));
  }

  private static long word(Frame frame, int register) {
    if (register >= WORDS.length) {
      throw new UnsupportedOperationException("register " + register);
    }
    return frame.registers().get(register).orElseThrow(BufferUnderflowException::new);
  }

  private long memory(long address) throws ImageException {
    Bytes bytes = image.read(mm, address, 8).bytes();
    if (bytes.length() < 8) {
      throw new BufferUnderflowException();
    }
    return bytes.u64(0);
  }

  private Optional<VmaState> vma(long address) {
    return vmas.stream().filter(v -> Long.compareUnsigned(v.start().bits(), address) <= 0
        && Long.compareUnsigned(address, v.end().bits()) < 0).findFirst();
  }

  private boolean isCode(long address) {
    return vma(address).filter(v -> (v.prot() & VmaState.PROT_EXEC) != 0).isPresent();
  }

  /// The ELF file that is mapped at an address: its first page is the last one of that file before.
  private Optional<CallFrames> module(long address) {
    Optional<VmaState> code = vma(address);
    Optional<String> path = code.flatMap(image::path);
    return path.flatMap(of -> vmas.stream().filter(v -> v.offset() == 0
        && Long.compareUnsigned(v.start().bits(), address) <= 0 && image.path(v).equals(path))
        .reduce((_, last) -> last)).flatMap(first -> modules.computeIfAbsent(first.start().bits(),
            start -> CallFrames.of(this::bytes, start)));
  }

  private Bytes bytes(long address, int lengthBytes) {
    try {
      return image.read(mm, address, lengthBytes).bytes();
    } catch (ImageException e) {
      return Bytes.EMPTY;
    }
  }
}
