package stasis.linux.abi;

import org.jspecify.annotations.Nullable;

/// An address in a tracee's address space; never dereferenceable here. Unsigned 64-bit, compared unsigned.
public record RemoteAddress(long bits) implements Comparable<RemoteAddress> {
  public RemoteAddress plus(long deltaBytes) {
    return new RemoteAddress(bits + deltaBytes);
  }

  /// Written out for the same reason as in [Tid].
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof RemoteAddress address && bits == address.bits;
  }

  @Override
  public int hashCode() {
    return Long.hashCode(bits);
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
