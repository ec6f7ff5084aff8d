package stasis.image;

import org.jspecify.annotations.Nullable;

/// Identity of one kernel object inside one statefile, whoever shares it. Dense, assigned in collection order, from 1.
public record ObjectId(int value) implements Comparable<ObjectId> {
  public ObjectId {
    if (value <= 0) {
      throw new IllegalArgumentException("object id must be > 0, was " + value);
    }
  }

  /// Written out for the same reason as in [stasis.linux.abi.Tid].
  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof ObjectId id && value == id.value;
  }

  @Override
  public int hashCode() {
    return value;
  }

  @Override
  public int compareTo(ObjectId other) {
    return Integer.compare(value, other.value);
  }

  @Override
  public String toString() {
    return "#" + value;
  }
}
