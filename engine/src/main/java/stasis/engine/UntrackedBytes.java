package stasis.engine;

import java.util.HashMap;
import java.util.Map;
import stasis.procfs.Smaps;
import stasis.procfs.Vma;

/// About how much memory of a tree is read in its last freeze whatever was copied ahead: private pages where writes are
/// not noted, and shared memory, each once.
final class UntrackedBytes {
  private static final int KIB_SHIFT = 10;

  private record Inode(stasis.procfs.Device device, long number) {}

  private final Map<Inode, Long> shared = new HashMap<>();
  private long privateBytes;

  void add(Smaps smaps) {
    for (Smaps.Entry entry : smaps.entries()) {
      Vma vma = entry.vma();
      if (MappingCollector.Writes.of(entry) == MappingCollector.Writes.NOTED) {
        continue;
      }
      if (!vma.shared()) {
        privateBytes += entry.anonymousKib() + entry.swapKib() + entry.hugetlbKib() << KIB_SHIFT;
      } else if (vma.isDeleted()) {
        shared.merge(new Inode(vma.device(), vma.inode()), entry.rssKib() + entry.hugetlbKib() << KIB_SHIFT, Math::max);
      }
    }
  }

  long total() {
    return privateBytes + shared.values().stream().mapToLong(Long::longValue).sum();
  }
}
