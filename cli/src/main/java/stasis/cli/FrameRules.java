package stasis.cli;

import java.nio.BufferUnderflowException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/// Where a function's caller's registers are at one address of it: the state of the machine of DWARF 5, section 6.4.2,
/// when it gets there.
final class FrameRules {
  /// Where one register is.
  sealed interface Rule {
    /// Nobody knows.
    record Undefined() implements Rule {}

    /// At the canonical frame address and this many bytes.
    record AtOffset(long offsetBytes) implements Rule {}

    /// It *is* that address.
    record IsOffset(long offsetBytes) implements Rule {}

    record InRegister(int register) implements Rule {}

    record AtExpression(DwarfCursor expression) implements Rule {}

    record IsExpression(DwarfCursor expression) implements Rule {}
  }

  /// The canonical frame address.
  sealed interface Cfa {
    record OfRegister(int register, long offsetBytes) implements Cfa {}

    record OfExpression(DwarfCursor expression) implements Cfa {}
  }

  private record State(Map<Integer, Rule> rules, Cfa cfa) {}

  private final CallFrames.Description description;
  private final Map<Integer, Rule> rules = new HashMap<>();
  private final Map<Integer, Rule> initial = new HashMap<>();
  private final Deque<State> remembered = new ArrayDeque<>();
  private Cfa cfa = new Cfa.OfRegister(0, 0);
  private long location;

  private FrameRules(CallFrames.Description description) {
    this.description = description;
    this.location = description.pc();
  }

  /// @throws BufferUnderflowException where the description is none
  static FrameRules at(CallFrames.Description description, long pc) {
    var rules = new FrameRules(description);
    rules.run(description.begin(), Long.MAX_VALUE);
    rules.initial.putAll(rules.rules);
    rules.location = description.pc();
    rules.run(description.then(), pc);
    return rules;
  }

  Cfa cfa() {
    return cfa;
  }

  /// Empty for a register that is what it was.
  Optional<Rule> of(int register) {
    return Optional.ofNullable(rules.get(register));
  }

  private void run(DwarfCursor whole, long pc) {
    DwarfCursor code = whole.from(whole.at());
    while (code.hasMore() && location <= pc) {
      int op = code.u8();
      int low = op & 0x3f;
      switch (op >> 6) {
        case 1 -> location += low * description.codeAlignment();
        case 2 -> rules.put(low, new Rule.AtOffset(code.uleb() * description.dataAlignment()));
        case 3 -> restore(low);
        default -> extended(low, code);
      }
    }
  }

  private void extended(int op, DwarfCursor code) {
    switch (op) {
      case 0x00 -> { }
      case 0x01 -> location = code.pointer(description.encoding(), 0);
      case 0x02 -> location += code.u8() * description.codeAlignment();
      case 0x03 -> location += code.u16() * description.codeAlignment();
      case 0x04 -> location += code.u32() * description.codeAlignment();
      case 0x0a -> remembered.push(new State(Map.copyOf(rules), cfa));
      case 0x0b -> {
        if (remembered.isEmpty()) {
          throw new BufferUnderflowException();
        }
        State state = remembered.pop();
        rules.clear();
        rules.putAll(state.rules());
        cfa = state.cfa();
      }
      case 0x0c -> cfa = new Cfa.OfRegister((int) code.uleb(), code.uleb());
      case 0x0d -> cfa = new Cfa.OfRegister((int) code.uleb(), offset());
      case 0x0e -> cfa = new Cfa.OfRegister(register(), code.uleb());
      case 0x0f -> cfa = new Cfa.OfExpression(code.part(code.uleb()));
      case 0x12 -> cfa = new Cfa.OfRegister((int) code.uleb(), code.sleb() * description.dataAlignment());
      case 0x13 -> cfa = new Cfa.OfRegister(register(), code.sleb() * description.dataAlignment());
      case 0x2e -> code.uleb(); // DW_CFA_GNU_args_size
      default -> ofRegister(op, (int) code.uleb(), code);
    }
  }

  private void ofRegister(int op, int register, DwarfCursor code) {
    long unit = description.dataAlignment();
    switch (op) {
      case 0x05 -> rules.put(register, new Rule.AtOffset(code.uleb() * unit));
      case 0x06 -> restore(register);
      case 0x07 -> rules.put(register, new Rule.Undefined());
      case 0x08 -> rules.remove(register);
      case 0x09 -> rules.put(register, new Rule.InRegister((int) code.uleb()));
      case 0x10 -> rules.put(register, new Rule.AtExpression(code.part(code.uleb())));
      case 0x11 -> rules.put(register, new Rule.AtOffset(code.sleb() * unit));
      case 0x14 -> rules.put(register, new Rule.IsOffset(code.uleb() * unit));
      case 0x15 -> rules.put(register, new Rule.IsOffset(code.sleb() * unit));
      case 0x16 -> rules.put(register, new Rule.IsExpression(code.part(code.uleb())));
      default -> throw new BufferUnderflowException();
    }
  }

  private void restore(int register) {
    Rule first = initial.get(register);
    if (first == null) {
      rules.remove(register);
    } else {
      rules.put(register, first);
    }
  }

  private int register() {
    return cfa instanceof Cfa.OfRegister(int register, long _) ? register : 0;
  }

  private long offset() {
    return cfa instanceof Cfa.OfRegister(int _, long offsetBytes) ? offsetBytes : 0;
  }
}
