package stasis.resource;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;

/// What backs a vma. Several vmas may have one backing: an object of this kind.
public interface MappingKind<S extends Record> extends Kind<S> {
  boolean recognises(Mapping mapping);

  /// Vmas of one kind with equal keys share one backing object.
  String key(Mapping mapping);

  /// Describes the backing of a vma; asked once per key, with the first vma in address order.
  S checkpoint(Mapping mapping) throws ObstructedException;

  /// Completes the description after the task runs on or is known to stay frozen: what takes time and must not be done
  /// in the freeze, such as a checksum of the mapped file. Called once per backing, before it is encoded.
  ///
  /// @param vmas all of this backing, in address order
  default S settle(S state, List<VmaState> vmas, Host host) throws ObstructedException {
    return state;
  }

  default Set<ObjectId> needs(S state) {
    return Set.of();
  }

  /// Whether private pages of these vmas are stored with the mm.
  Pages pages(S state);

  /// Whether a page that nobody has touched yet may be put in after the program runs: private memory without a file,
  /// which userfaultfd(2) takes.
  default boolean mayBeFilledLate() {
    return false;
  }

  /// Appends what all vmas of this backing need once: an open file. The planner closes it after the last of them.
  Optional<Ref<Fd>> open(S state, Script script, Refs refs);

  /// Appends the steps that map `vma` at its address, where nothing is mapped yet.
  ///
  /// @param prot what to map it with: the vma's own, or with PROT_WRITE added while it is filled
  void map(S state, VmaState vma, int prot, Optional<Ref<Fd>> file, Script script, Refs refs);

  /// Which pages are stored.
  enum Pages {
    NONE,
    /// Present or swapped pages that are the task's own: anonymous memory, copied pages of a private file mapping.
    PRIVATE
  }
}
