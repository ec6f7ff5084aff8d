package stasis.cli.start;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Nr;

/// A list of calls as [StartCode] runs it: 64 bytes each, docs/designs/warm-start.md.
final class StartCalls {
  static final int BYTES = 64;
  private static final int RESULT_OFFSET = 56;
  private static final int MOVE = 1;
  private static final int COMPARE = 2;
  private static final int ADD = 3;
  private static final int ANY = 0;
  private static final int NO_ERROR = 1;
  private static final int EXACTLY = 2;
  private static final int ARGUMENTS = 6;

  /// An argument.
  sealed interface Operand {
    record Value(long bits) implements Operand {}

    /// The 8 bytes at an address, as the call is made.
    record At(long address) implements Operand {}

    /// What an earlier call of the same list gave.
    record Result(int index) implements Operand {}

    /// Where that lies.
    record Where(int index) implements Operand {}
  }

  private record Call(int number, int op, int expectation, List<Operand> arguments, long result) {}

  private final List<Call> calls = new ArrayList<>();

  static Operand value(long bits) {
    return new Operand.Value(bits);
  }

  int count() {
    return calls.size();
  }

  /// A call that must not fail. @return its result
  Operand.Result call(Nr nr, Operand... arguments) {
    return add(nr.on(Arch.X86_64), 0, NO_ERROR, 0, arguments);
  }

  /// As above, for a call that only this architecture has.
  Operand.Result call(int number, Operand... arguments) {
    return add(number, 0, NO_ERROR, 0, arguments);
  }

  /// One that may.
  void attempt(Nr nr, Operand... arguments) {
    add(nr.on(Arch.X86_64), 0, ANY, 0, arguments);
  }

  /// One that must give this.
  void exactly(long result, Nr nr, Operand... arguments) {
    add(nr.on(Arch.X86_64), 0, EXACTLY, result, arguments);
  }

  void move(Operand to, Operand from, int lengthBytes) {
    add(0, MOVE, ANY, 0, to, from, value(lengthBytes));
  }

  /// Both must be the same.
  void same(long one, long other, int lengthBytes) {
    add(0, COMPARE, EXACTLY, 0, value(one), value(other), value(lengthBytes));
  }

  Operand.Result sum(Operand one, Operand other) {
    return add(0, ADD, ANY, 0, one, other);
  }

  private Operand.Result add(int number, int op, int expectation, long result, Operand... arguments) {
    calls.add(new Call(number, op, expectation, List.of(arguments), result));
    return new Operand.Result(calls.size() - 1);
  }

  /// @param base where it is put
  void write(ByteBuffer out, long base) {
    for (Call call : calls) {
      int modes = 0;
      long[] bits = new long[ARGUMENTS];
      for (int i = 0; i < call.arguments().size(); i++) {
        bits[i] = switch (call.arguments().get(i)) {
          case Operand.Value(long value) -> value;
          case Operand.At(long address) -> address;
          case Operand.Result(int index) -> resultAt(base, index);
          case Operand.Where(int index) -> resultAt(base, index);
        };
        boolean read = call.arguments().get(i) instanceof Operand.At
            || call.arguments().get(i) instanceof Operand.Result;
        modes |= (read ? 1 : 0) << (2 * i);
      }
      out.putInt(call.number()).put((byte) call.op()).put((byte) call.expectation()).putShort((short) modes);
      for (long argument : bits) {
        out.putLong(argument);
      }
      out.putLong(call.result());
    }
  }

  private static long resultAt(long base, int index) {
    return base + (long) index * BYTES + RESULT_OFFSET;
  }
}
