package stasis.linux.abi;

/// A file descriptor number. Says nothing about whose table it indexes.
public record Fd(int value) implements Comparable<Fd> {
  public Fd {
    if (value < 0) {
      throw new IllegalArgumentException("fd must be >= 0, was " + value);
    }
  }

  @Override
  public int compareTo(Fd other) {
    return Integer.compare(value, other.value);
  }

  @Override
  public String toString() {
    return Integer.toString(value);
  }
}
