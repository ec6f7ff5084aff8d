package stasis.linux.abi;

/// An address in a tracee's address space; never dereferenceable here. Unsigned 64-bit, compared unsigned.
public record RemoteAddress(long bits) implements Comparable<RemoteAddress> {
  public RemoteAddress plus(long deltaBytes) {
    return new RemoteAddress(bits + deltaBytes);
  }

  @Override
  public int compareTo(RemoteAddress other) {
    return Long.compareUnsigned(bits, other.bits);
  }

  @Override
  public String toString() {
    return "0x" + Long.toHexString(bits);
  }
}
