package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// By what the running kernel notes writes to memory. docs/designs/tracking.md.
enum Noting {
  /// Marks of a userfaultfd, and a scan that asks for them and sets them (Linux 6.7).
  MARKS,
  /// Bits that /proc/PID/clear_refs clears and pagemap shows (CONFIG_MEM_SOFT_DIRTY).
  SOFT_DIRTY,
  NOTHING;

  private static final long PAGE = 4096;

  /// Tried on this process.
  static Noting here() throws SyscallException {
    Tid self = new Tid((int) Syscalls.call(Nr.GETPID));
    try (PageScan scan = new PageScan(self)) {
      if (scan.isByTheKernel()) {
        return MARKS;
      }
    }
    try (Arena arena = Arena.ofConfined(); Pagemap pagemap = new Pagemap(self, arena)) {
      MemorySegment written = arena.allocate(JAVA_LONG);
      written.set(JAVA_LONG, 0, 1);
      pagemap.read(written.address() & -PAGE, 1);
      return (pagemap.entry(0) & Pagemap.SOFT_DIRTY) != 0 ? SOFT_DIRTY : NOTHING;
    }
  }
}
