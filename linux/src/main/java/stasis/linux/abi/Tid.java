package stasis.linux.abi;

/// A thread id as the engine's pid namespace sees it. Recycled by the kernel: never a key that outlives the freeze.
public record Tid(int value) implements Comparable<Tid> {
  public Tid {
    if (value <= 0) {
      throw new IllegalArgumentException("tid must be > 0, was " + value);
    }
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
