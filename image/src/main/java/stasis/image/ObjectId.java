package stasis.image;

/// Identity of one kernel object inside one statefile, whoever shares it. Dense, assigned in collection order, from 1.
public record ObjectId(int value) implements Comparable<ObjectId> {
  public ObjectId {
    if (value <= 0) {
      throw new IllegalArgumentException("object id must be > 0, was " + value);
    }
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
