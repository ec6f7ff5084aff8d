package stasis.tracee.stub;

/// Bytes of a [Batch] that lie in the task while it runs: a struct, a path, a buffer for an answer. Belongs to the
/// batch that made it.
public final class Slot {
  private final Batch owner;
  private final int number;
  private final int lengthBytes;

  Slot(Batch owner, int number, int lengthBytes) {
    this.owner = owner;
    this.number = number;
    this.lengthBytes = lengthBytes;
  }

  /// The operand that is this slot's address.
  public Operand address() {
    return at(0);
  }

  /// The operand that is the address of one of its fields.
  public Operand at(int offsetBytes) {
    return new Operand.Address(this, offsetBytes);
  }

  public int lengthBytes() {
    return lengthBytes;
  }

  int number() {
    return number;
  }

  Batch owner() {
    return owner;
  }

  void check(int offsetBytes, int fieldBytes) {
    if (offsetBytes < 0 || fieldBytes > lengthBytes - offsetBytes) {
      throw new IllegalArgumentException(
          "field of " + fieldBytes + " bytes at " + offsetBytes + " is outside a slot of " + lengthBytes + " bytes");
    }
  }
}
