package stasis.resource;

import java.util.Optional;
import stasis.image.ObjectId;
import stasis.procfs.FileStat;
import stasis.procfs.VmFlags;
import stasis.procfs.Vma;

/// One vma of a frozen mm.
public interface Mapping {
  FrozenGroup group();

  Vma vma();

  /// Two-letter VmFlags of smaps (proc_pid_smaps(5)).
  VmFlags flags();

  /// `task 4711 (nginx) vma 7f00-7f10 /lib/x`.
  String subject();

  /// stat(2) of the mapped file; empty for memory without one, or when its path leads elsewhere now.
  Optional<FileStat> facts();

  /// The thing below this mapping that others may share.
  ObjectId body(BodyKey key);

  /// Mapped bytes as they are now; for small looks at special mappings, never for page contents.
  stasis.linux.abi.Bytes peek(long offset, int lengthBytes) throws ObstructedException;
}
