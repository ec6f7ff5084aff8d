package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// The entries of /proc/PID/pagemap (Documentation/admin-guide/mm/pagemap.rst), some at a time.
final class Pagemap implements AutoCloseable {
  static final int CHUNK_PAGES = 1 << 15;
  static final long PRESENT = 1L << 63;
  static final long SWAPPED = 1L << 62;
  /// A page of a file, or of shared memory.
  static final long FILE = 1L << 61;
  /// Write-protected by a userfaultfd.
  static final long UFFD_WP = 1L << 57;
  /// Mapped here and nowhere else. Nor is the page of zeros.
  static final long EXCLUSIVE = 1L << 56;
  /// Written, or mapped, since clear_refs had it cleared.
  static final long SOFT_DIRTY = 1L << 55;
  /// The frame, or the place in swap. Reads as 0 without CAP_SYS_ADMIN.
  static final long FRAME = (1L << 55) - 1;

  private static final long PAGE = 4096;
  private static final int ENTRY_BYTES = 8;
  private static final int AT_FDCWD = -100;
  private static final int O_CLOEXEC = 0x80000;

  private final Tid task;
  private final long fd;
  private final MemorySegment entries;

  /// @param arena lives as long
  Pagemap(Tid task, Arena arena) throws SyscallException {
    this(task, Syscalls.require("open the pagemap of task " + task, Nr.OPENAT, AT_FDCWD,
        arena.allocateFrom("/proc/" + task + "/pagemap").address(), O_CLOEXEC), arena);
  }

  /// @param fd of it, ours to close @param arena lives as long
  Pagemap(Tid task, long fd, Arena arena) {
    this.task = task;
    this.fd = fd;
    this.entries = arena.allocate((long) CHUNK_PAGES * ENTRY_BYTES, ENTRY_BYTES);
  }

  /// @param pages at most [#CHUNK_PAGES]
  void read(long address, int pages) throws SyscallException {
    long want = (long) pages * ENTRY_BYTES;
    long got = Syscalls.require("read the pagemap of task " + task, Nr.PREAD64, fd, entries.address(), want,
        address / PAGE * ENTRY_BYTES);
    if (got != want) {
      throw new SyscallException(Nr.PREAD64, Errno.EIO, "read the pagemap of task " + task + " at " + address);
    }
  }

  /// Of those read last.
  long entry(int index) {
    return entries.getAtIndex(JAVA_LONG, index);
  }

  @Override
  public void close() {
    Syscalls.call(Nr.CLOSE, fd);
  }
}
