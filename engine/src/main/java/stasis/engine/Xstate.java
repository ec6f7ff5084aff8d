package stasis.engine;

import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.SparseBytes;

/// What the engine reads in an NT_X86_XSTATE register set: the XSAVE area in its standard format
/// (arch/x86/include/asm/fpu/types.h; Intel SDM 1, chapter 13).
final class Xstate {
  /// Where the kernel puts XCR0 in the legacy area's software bytes (arch/x86/kernel/fpu/xstate.c,
  /// `__copy_xstate_to_uabi_buf()`).
  private static final int XCR0_OFFSET = 464;
  private static final int XSTATE_BV_OFFSET = 512;
  private static final String[] NAMES = {"x87", "SSE", "AVX", "MPX bounds", "MPX status", "AVX-512 opmask",
      "AVX-512 upper halves", "AVX-512 upper registers", "PT", "PKRU", "PASID", "CET user", "CET supervisor", "HDC",
      "UINTR", "LBR", "HWP", "AMX tile configuration", "AMX tile data", "APX"};

  /// AMX: the tile configuration and the tiles.
  static final long TILES = 3L << 17;

  private Xstate() {}

  /// Features the CPU and the kernel offer.
  static long offered(SparseBytes area) {
    return area.length() < XSTATE_BV_OFFSET + 8 ? 3 : area.u64(XCR0_OFFSET);
  }

  /// Features that hold something else than their initial state.
  static long inUse(SparseBytes area) {
    return area.length() < XSTATE_BV_OFFSET + 8 ? 3 : area.u64(XSTATE_BV_OFFSET);
  }

  static List<String> names(long features) {
    var names = new ArrayList<String>();
    for (int bit = 0; bit < 64; bit++) {
      if ((features >>> bit & 1) != 0) {
        names.add(bit < NAMES.length ? NAMES[bit] : "XSAVE feature " + bit);
      }
    }
    return names;
  }
}
