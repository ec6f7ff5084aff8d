package stasis.linux.abi;

import org.jspecify.annotations.Nullable;

/// A thread id as the engine's pid namespace sees it. Recycled by the kernel: never a key that outlives the freeze.
public record Tid(int value) implements Comparable<Tid> {
  public Tid {
    if (value <= 0) {
      throw new IllegalArgumentException("tid must be > 0, was " + value);
    }
  }

  /// Written out, as in other keys of the engine's maps: what the compiler leaves to the VM costs each cold start some
  /// classes that are made at run time.
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof Tid tid && value == tid.value;
  }

  @Override
  public int hashCode() {
    return value;
  }

  @Override
  public int compareTo(Tid other) {
    return Integer.compare(value, other.value);
  }

  @Override
  public String toString() {
    return Integer.toString(value);
  }
}
