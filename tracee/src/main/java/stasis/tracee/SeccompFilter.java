package stasis.tracee;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;

/// A seccomp filter in classic BPF, run on a call of which some words are not known yet: it passes only if every path
/// that the unknown words could take ends in SECCOMP_RET_ALLOW.
///
/// Source: net/core/filter.c `bpf_check_classic()`, kernel/seccomp.c `seccomp_check_filter()`, seccomp(2).
///
/// @param program `struct sock_filter` records: u16 code, u8 jt, u8 jf, u32 k
record SeccompFilter(Bytes program) {
  private static final int INSTRUCTION_BYTES = 8;
  private static final int RET_ALLOW = 0x7fff0000;
  private static final int RET_ACTION_FULL = 0xffff0000;

  /// Paths times instructions; a filter that needs more counts as forbidding.
  private static final int STEPS = 200_000;

  /// `struct seccomp_data`; bit i of `known` tells that word i (32 bit) of its 16 is known.
  record Call(int number, int arch, long next, List<Long> arguments, int known) {
    int word(int index) {
      return switch (index) {
        case 0 -> number;
        case 1 -> arch;
        case 2 -> (int) next;
        case 3 -> (int) (next >>> 32);
        default -> {
          int argument = (index - 4) / 2;
          yield argument < arguments.size() ? (int) (arguments.get(argument) >>> (index % 2 * 32)) : 0;
        }
      };
    }
  }

  /// Registers and the scratch memory of the BPF machine; a bit in `known` for A (16), X (17) and each memory word.
  private record Machine(int at, int a, int x, Bytes memory, int known) {
    static final int A = 1 << 16;
    static final int X = 1 << 17;

    Machine to(int next) {
      return new Machine(next, a, x, memory, known);
    }

    Machine withA(int value, boolean sure) {
      return new Machine(at + 1, value, x, memory, sure ? known | A : known & ~A);
    }

    Machine withX(int value, boolean sure) {
      return new Machine(at + 1, a, value, memory, sure ? known | X : known & ~X);
    }

    Machine store(int slot, int value, boolean sure) {
      return new Machine(at + 1, a, x, memory.withU32(4 * slot, value),
          sure ? known | (1 << slot) : known & ~(1 << slot));
    }

    boolean knows(int bits) {
      return (known & bits) == bits;
    }
  }

  boolean allows(Call call) {
    int[] steps = new int[1];
    return allows(call, new Machine(0, 0, 0, Bytes.zeros(64), Machine.A | Machine.X | 0xffff), steps);
  }

  private boolean allows(Call call, Machine start, int[] steps) {
    Machine machine = start;
    while (steps[0]++ < STEPS && machine.at * INSTRUCTION_BYTES < program.length()) {
      int code = program.u16(machine.at * INSTRUCTION_BYTES);
      int k = program.u32(machine.at * INSTRUCTION_BYTES + 4);
      if ((code & 7) == 6) { // BPF_RET
        boolean fromA = (code & 0x18) == 0x10;
        int value = fromA ? machine.a : k;
        return (!fromA || machine.knows(Machine.A)) && (value & RET_ACTION_FULL) == RET_ALLOW;
      }
      if ((code & 7) == 5) { // BPF_JMP
        int jt = program.u8(machine.at * INSTRUCTION_BYTES + 2);
        int jf = program.u8(machine.at * INSTRUCTION_BYTES + 3);
        Optional<Boolean> taken = taken(code, k, machine);
        if (taken.isEmpty()) {
          return allows(call, machine.to(machine.at + 1 + jt), steps)
              && allows(call, machine.to(machine.at + 1 + jf), steps);
        }
        machine = machine.to((code & 0xf0) == 0 ? machine.at + 1 + k : machine.at + 1 + (taken.get() ? jt : jf));
        continue;
      }
      Optional<Machine> next = straight(call, code, k, machine);
      if (next.isEmpty()) {
        return false;
      }
      machine = next.get();
    }
    return false;
  }

  private static Optional<Boolean> taken(int code, int k, Machine machine) {
    int operation = code & 0xf0;
    if (operation == 0) { // BPF_JA
      return Optional.of(true);
    }
    boolean useX = (code & 8) != 0;
    if (!machine.knows(Machine.A) || (useX && !machine.knows(Machine.X))) {
      return Optional.empty();
    }
    int right = useX ? machine.x : k;
    return Optional.of(switch (operation) {
      case 0x10 -> machine.a == right;
      case 0x20 -> Integer.compareUnsigned(machine.a, right) > 0;
      case 0x30 -> Integer.compareUnsigned(machine.a, right) >= 0;
      default -> (machine.a & right) != 0; // BPF_JSET
    });
  }

  /// @return empty for what seccomp does not admit
  private static Optional<Machine> straight(Call call, int code, int k, Machine machine) {
    return switch (code) {
      case 0x20 -> (k & 3) != 0 || k < 0 || k >= 64 ? Optional.empty() // LD W ABS
          : Optional.of(machine.withA(call.word(k / 4), ((call.known >> (k / 4)) & 1) != 0));
      case 0x80 -> Optional.of(machine.withA(64, true)); // LD W LEN
      case 0x81 -> Optional.of(machine.withX(64, true)); // LDX W LEN
      case 0x00 -> Optional.of(machine.withA(k, true)); // LD IMM
      case 0x01 -> Optional.of(machine.withX(k, true)); // LDX IMM
      case 0x60 -> Optional.of(machine.withA(machine.memory.u32(4 * (k & 15)), machine.knows(1 << (k & 15))));
      case 0x61 -> Optional.of(machine.withX(machine.memory.u32(4 * (k & 15)), machine.knows(1 << (k & 15))));
      case 0x02 -> Optional.of(machine.store(k & 15, machine.a, machine.knows(Machine.A)));
      case 0x03 -> Optional.of(machine.store(k & 15, machine.x, machine.knows(Machine.X)));
      case 0x07 -> Optional.of(machine.withX(machine.a, machine.knows(Machine.A))); // TAX
      case 0x87 -> Optional.of(machine.withA(machine.x, machine.knows(Machine.X))); // TXA
      default -> (code & 7) == 4 ? arithmetic(code, k, machine) : Optional.empty();
    };
  }

  private static Optional<Machine> arithmetic(int code, int k, Machine machine) {
    boolean useX = (code & 8) != 0;
    int right = useX ? machine.x : k;
    boolean sure = machine.knows(Machine.A) && (!useX || machine.knows(Machine.X));
    if ((code & 0xf0) == 0x30 && right == 0) {
      return Optional.empty(); // division by zero: the kernel returns 0, which is SECCOMP_RET_KILL
    }
    int a = machine.a;
    return Optional.of(machine.withA(switch (code & 0xf0) {
      case 0x00 -> a + right;
      case 0x10 -> a - right;
      case 0x20 -> a * right;
      case 0x30 -> Integer.divideUnsigned(a, right);
      case 0x40 -> a | right;
      case 0x50 -> a & right;
      case 0x60 -> a << right;
      case 0x70 -> a >>> right;
      case 0x80 -> -a;
      default -> a ^ right;
    }, sure));
  }
}
