package stasis.image;

/// One field of a message, as a statefile describes it.
///
/// @param type the name of a Java type: a scalar's, or of a [TypeDescriptor] in the same schema
public record FieldDescriptor(@Tag(1) int tag, @Tag(2) String name, @Tag(3) Cardinality cardinality,
    @Tag(4) Shape shape, @Tag(5) String type) {
  public FieldDescriptor {
    if (tag < 1 || tag > TypeDescriptor.MAX_TAG) {
      throw new IllegalArgumentException("tag " + tag + " is out of range");
    }
    TypeDescriptor.checkName(name);
    TypeDescriptor.checkName(type);
  }

  @Override
  public String toString() {
    return tag + " " + name + ":" + cardinality.of(type);
  }
}
