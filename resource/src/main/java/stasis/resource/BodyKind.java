package stasis.resource;

/// The thing below file descriptions and mappings that several of them may share: a memfd or deleted inode, a shared
/// anonymous mapping, a pipe. Made once, its contents stored once.
public interface BodyKind<S extends Record> extends Kind<S> {
  S checkpoint(BodyView body) throws ObstructedException;

  /// Whether the engine stores the body's data pages (holes are kept as holes) and how it reads them.
  default Contents contents(S state) {
    return Contents.NONE;
  }

  /// Whether `restore` yields the address of a temporary mapping, not an fd.
  default boolean isMapped() {
    return false;
  }

  /// Appends the steps that make it, in the first task that needs it, its contents included.
  ///
  /// @param self the body's own id, for [Script#fillFile] and [Script#fill]
  Ref<?> restore(S state, stasis.image.ObjectId self, Script script);

  /// Appends steps for when all files and mappings on it exist (seals, temporary mappings removed).
  default void finish(S state, stasis.image.ObjectId self, Script script, Refs refs) {}

  /// How contents are read.
  enum Contents {
    /// Nothing is stored.
    NONE,
    /// Through a fresh description of the same inode: SEEK_DATA, SEEK_HOLE, pread.
    FILE,
    /// Through a mapping of it.
    MEMORY
  }
}
