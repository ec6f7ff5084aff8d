package stasis.kinds.mapping;

import stasis.linux.abi.RemoteAddress;

/// Sizes of huge pages of hugetlbfs, as calls take them.
public final class HugePages {
  /// Of mmap(2), memfd_create(2) and shmget(2) alike: the size's logarithm lies in the upper bits (MAP_HUGE_SHIFT).
  private static final int SHIFT = 26;

  private HugePages() {}

  /// The flag that chooses a size.
  public static int flag(long pageBytes) {
    if (Long.bitCount(pageBytes) != 1) {
      throw new IllegalArgumentException("no page has " + pageBytes + " bytes");
    }
    return Long.numberOfTrailingZeros(pageBytes) << SHIFT;
  }

  /// `2048 kB`: how to ask for them.
  public static String name(long pageBytes) {
    return "huge pages of " + (pageBytes >> 10) + " kB (vm.nr_hugepages)";
  }

  /// What to ask for so that `bytes` in such pages find their place in it.
  public static long holeBytes(long bytes, long pageBytes) {
    return bytes + pageBytes;
  }

  /// The first place for such a page in a hole.
  public static RemoteAddress in(RemoteAddress hole, long pageBytes) {
    return new RemoteAddress(hole.bits() + pageBytes - 1 & -pageBytes);
  }
}
