package stasis.resource;

import java.util.List;
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

  /// The vma that ends where this one starts.
  Optional<Mapping> before();

  /// The vma that starts where this one ends.
  Optional<Mapping> after();

  /// stat(2) of what is mapped: of the inode itself where `map_files` may be followed, so also of a deleted file or of
  /// shared memory; else by path, if that leads to this inode. Empty for memory without one.
  Optional<FileStat> facts();

  /// Whether asking for its memory policy is worth while: it has one, its task has one, or its file may.
  boolean mayHavePolicy();

  /// Memory policy as numa_maps prints it, `default` also where it has none for certain, or the kernel knows of none.
  String policy();

  /// Guard regions within, in address order (MADV_GUARD_INSTALL; PAGE_IS_GUARD of PAGEMAP_SCAN, ioctl_pagemap_scan(2)).
  List<Extent> guards();

  /// What the kernel maps it with: 4096, or the size of huge pages of hugetlbfs.
  long pageBytes();

  /// pkeys(7); 0 where there are none.
  int protectionKey();

  /// The thing below this mapping that others may share.
  ObjectId body(BodyKey key);

  /// Mapped bytes as they are now; for small looks at special mappings, never for page contents.
  stasis.linux.abi.Bytes peek(long offset, int lengthBytes) throws ObstructedException;
}
