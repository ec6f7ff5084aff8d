package stasis.resource;

import java.util.Set;
import stasis.image.ObjectId;

/// The thing below file descriptions and mappings that several of them may share: a memfd or deleted inode, a shared
/// anonymous mapping, a pipe. Made once, its contents stored once.
public interface BodyKind<S extends Record> extends Kind<S> {
  S checkpoint(BodyView body) throws ObstructedException;

  /// Whether the engine stores the body's data pages (holes are kept as holes) and how it reads them.
  default Contents contents(S state) {
    return Contents.NONE;
  }

  /// How much address space the body takes while the restore goes on: what [Refs#hole] then gives it, until the planner
  /// unmaps it in every process. 0 for bodies that are files; one that is a file and fills it through a mapping unmaps
  /// that itself, see [#isMapped].
  default long holeBytes(S state) {
    return 0;
  }

  /// Whether it lies in that hole until the planner unmaps it, and has no fd.
  default boolean isMapped(S state) {
    return holeBytes(state) > 0;
  }

  /// Files that are in it and perhaps nowhere else (descriptors in flight): made after it, before `finish`, in which
  /// [Refs#fd] leads to them.
  default Set<ObjectId> carries(S state) {
    return Set.of();
  }

  /// Appends the steps that make it, in the root, its contents included.
  ///
  /// @param self the body's own id, for [Script#fillFile], [Script#fill] and [Refs#hole]
  /// @return its fd, or for a body that is mapped the address it is mapped at
  Ref<?> restore(S state, ObjectId self, Script script, Refs refs);

  /// Appends steps for when [Refs#fd] and [Refs#path] lead to it, before any file or mapping on it exists.
  default void made(S state, ObjectId self, Script script, Refs refs) {}

  /// Appends steps for when all files and mappings on it exist and all processes are born, in the root (seals, what is
  /// on its way).
  default void finish(S state, ObjectId self, Script script, Refs refs) {}

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
