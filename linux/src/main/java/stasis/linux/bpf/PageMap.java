package stasis.linux.bpf;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Optional;
import stasis.linux.abi.SyscallException;

/// Where the kernel has a page that it knows by its `struct page`: both lie in areas that begin at a multiple of 1 GiB
/// (Documentation/arch/x86/x86_64/mm.rst). Which, is found by looking for bytes that are known to lie in one.
///
/// @param pages start of the area of struct page @param memory start of the area that maps all memory
record PageMap(long pages, long memory, int structBytes) {
  private static final int PAGE_SHIFT = 12;
  private static final long STEP_BYTES = 1L << 30;
  /// 4 TiB of memory.
  private static final int STEPS_MAX = 4096;

  long address(long page) {
    return memory + ((page - pages) / structBytes << PAGE_SHIFT);
  }

  /// @param page that has `known` at `offset` @param anywhere an address in the area that maps all memory
  static Optional<PageMap> find(KernelMemory kernel, int structBytes, long page, int offset, byte[] known,
      long anywhere) throws SyscallException {
    // The more memory before the page, the more struct page before its own: both starts move together.
    for (int above = 0; above <= STEPS_MAX >> 6; above++) {
      for (int below = 0; below <= STEPS_MAX >> 4; below++) {
        var map = new PageMap((page & -STEP_BYTES) - above * STEP_BYTES, (anywhere & -STEP_BYTES) - below * STEP_BYTES,
            structBytes);
        Optional<ByteBuffer> found = kernel.read(map.address(page) + offset, known.length);
        if (found.isPresent() && Arrays.equals(found.get().array(), known)) {
          return Optional.of(map);
        }
      }
    }
    return Optional.empty();
  }
}
