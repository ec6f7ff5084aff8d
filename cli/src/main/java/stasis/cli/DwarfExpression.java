package stasis.cli;

import java.nio.BufferUnderflowException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.IntToLongFunction;
import stasis.repository.ImageException;

/// What a DWARF expression comes to (DWARF 5, section 2.5), as far as call frame information uses them. One that asks
/// for more, or is none, throws [UnsupportedOperationException] or [BufferUnderflowException].
final class DwarfExpression {
  private final DwarfCursor code;
  private final IntToLongFunction registers;
  private final Words memory;
  private final Deque<Long> stack = new ArrayDeque<>();

  /// Words of memory.
  interface Words {
    /// Of 8 bytes.
    long at(long address) throws ImageException;
  }

  private DwarfExpression(DwarfCursor code, IntToLongFunction registers, Words memory) {
    this.code = code;
    this.registers = registers;
    this.memory = memory;
  }

  /// @param first what lies on the stack when it begins
  static long value(DwarfCursor code, long first, IntToLongFunction registers, Words memory) throws ImageException {
    var expression = new DwarfExpression(code, registers, memory);
    expression.stack.push(first);
    while (expression.code.hasMore()) { // there are no jumps
      expression.step(expression.code.u8());
    }
    return expression.pop();
  }

  private long pop() {
    if (stack.isEmpty()) {
      throw new BufferUnderflowException();
    }
    return stack.pop();
  }

  private void step(int op) throws ImageException {
    if (op >= 0x30 && op < 0x50) { // DW_OP_lit0…
      stack.push((long) op - 0x30);
    } else if (op >= 0x70 && op < 0x90) { // DW_OP_breg0…
      stack.push(registers.applyAsLong(op - 0x70) + code.sleb());
    } else if (op >= 0x1a && op <= 0x2e && op != 0x1f && op != 0x20 && op != 0x23 && op != 0x28) {
      long second = pop();
      stack.push(binary(op, pop(), second));
    } else {
      other(op);
    }
  }

  private void other(int op) throws ImageException {
    switch (op) {
      case 0x06 -> stack.push(memory.at(pop())); // DW_OP_deref
      case 0x03, 0x0e, 0x0f -> stack.push(code.u64());
      case 0x08 -> stack.push((long) code.u8());
      case 0x09 -> stack.push(code.s8());
      case 0x0a -> stack.push(code.u16());
      case 0x0b -> stack.push(code.s16());
      case 0x0c -> stack.push(code.u32());
      case 0x0d -> stack.push(code.s32());
      case 0x10 -> stack.push(code.uleb());
      case 0x11 -> stack.push(code.sleb());
      case 0x12 -> { // DW_OP_dup
        long top = pop();
        stack.push(top);
        stack.push(top);
      }
      case 0x13 -> pop();
      case 0x1f -> stack.push(-pop());
      case 0x20 -> stack.push(~pop());
      case 0x23 -> stack.push(pop() + code.uleb()); // DW_OP_plus_uconst
      case 0x96 -> { } // DW_OP_nop
      default -> throw new UnsupportedOperationException("DW_OP 0x" + Integer.toHexString(op));
    }
  }

  private static long binary(int op, long first, long second) {
    return switch (op) {
      case 0x1a -> first & second;
      case 0x1c -> first - second;
      case 0x1e -> first * second;
      case 0x21 -> first | second;
      case 0x22 -> first + second;
      case 0x24 -> first << second;
      case 0x25 -> first >>> second;
      case 0x26 -> first >> second;
      case 0x27 -> first ^ second;
      case 0x29 -> first == second ? 1 : 0;
      case 0x2a -> first >= second ? 1 : 0;
      case 0x2b -> first > second ? 1 : 0;
      case 0x2c -> first <= second ? 1 : 0;
      case 0x2d -> first < second ? 1 : 0;
      case 0x2e -> first != second ? 1 : 0;
      default -> throw new UnsupportedOperationException("DW_OP 0x" + Integer.toHexString(op));
    };
  }
}
