package stasis.image;

/// How often a field occurs. Names are stored in statefiles: never renamed.
public enum Cardinality {
  ONE,
  OPTIONAL,
  LIST;

  /// @return as Java writes it: `int`, `Optional<int>`, `List<int>`
  String of(String type) {
    return switch (this) {
      case ONE -> type;
      case OPTIONAL -> "Optional<" + type + ">";
      case LIST -> "List<" + type + ">";
    };
  }
}
