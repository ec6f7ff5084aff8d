package stasis.image;

/// Takes records of one class apart and puts them together. Implemented only by classes that are generated
/// beside the record; public because those live in the record's package.
public interface RecordAccess {
  /// @return the components in their order, numbers boxed
  Object[] components(Object record);

  /// Calls the canonical constructor; what it throws passes.
  Object construct(Object[] components);

  /// @return names and types of the components it was generated for
  String shape();
}
