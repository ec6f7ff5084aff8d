package stasis.tracee.stub;

/// One argument of a call in a [Batch]: known now, or known once an earlier call of the batch has run.
public sealed interface Operand {
  /// The value itself.
  record Imm(long value) implements Operand {}

  /// What the entry at `index` of the same batch returned.
  record Result(int index) implements Operand {
    public Result {
      if (index < 0) {
        throw new IllegalArgumentException("index of an earlier call must be >= 0, was " + index);
      }
    }
  }

  /// What lies at `offsetBytes` in `slot` when the call is made: a field of an earlier call's output.
  record Load(Slot slot, int offsetBytes, Width width) implements Operand {
    public Load {
      slot.check(offsetBytes, width.bytes());
    }
  }

  /// Where `slot` lies in the task.
  record Address(Slot slot, int offsetBytes) implements Operand {
    public Address {
      slot.check(offsetBytes, 0);
    }
  }

  /// How a [Load] reads.
  enum Width {
    U64(8, 1),
    U32(4, 2),
    S32(4, 3);

    private final int bytes;
    private final int mode;

    Width(int bytes, int mode) {
      this.bytes = bytes;
      this.mode = mode;
    }

    int bytes() {
      return bytes;
    }

    /// The two mode bits of an argument read this way; 0 is an immediate.
    int mode() {
      return mode;
    }
  }

  static Operand imm(long value) {
    return new Imm(value);
  }

  static Operand result(int index) {
    return new Result(index);
  }

  static Operand load64(Slot slot, int offsetBytes) {
    return new Load(slot, offsetBytes, Width.U64);
  }

  static Operand load32(Slot slot, int offsetBytes) {
    return new Load(slot, offsetBytes, Width.U32);
  }

  /// Sign-extended, for fields that may hold -1 or an error.
  static Operand loadSigned32(Slot slot, int offsetBytes) {
    return new Load(slot, offsetBytes, Width.S32);
  }
}
