package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.tracee.MemoryFile;

/// What the frames of a task's pages are (/proc/kpageflags, Documentation/admin-guide/mm/pagemap.rst). Frames are shown
/// to CAP_SYS_ADMIN alone. Without it a page that may be the page of zeros is one if it holds zeros, to whoever has the
/// memory the same; huge pages are not told then.
final class Frames implements AutoCloseable {
  private static final long PAGE = 4096;
  private static final long HUGE_FRAMES = 512;
  private static final long KPF_COMPOUND_HEAD = 1L << 15;
  private static final long KPF_THP = 1L << 22;
  /// Of the small one, and of all frames of the huge one.
  private static final long KPF_ZERO_PAGE = 1L << 24;
  private static final int AT_FDCWD = -100;
  private static final int O_CLOEXEC = 0x80000;
  private static final int PROT_READ = 1;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;

  private final Tid task;
  private final long flags;
  private final MemorySegment word;
  private final MemorySegment page;
  private final MemorySegment zeros;
  private Optional<MemoryFile> memory = Optional.empty();
  /// Of the small page of zeros, 0 where frames are not shown.
  private final long zeroFrame;
  private long knownFrame = -1;
  private long knownFlags;

  /// @param arena lives as long
  Frames(Tid task, Arena arena) throws SyscallException {
    this.task = task;
    this.flags = Syscalls.call(Nr.OPENAT, AT_FDCWD, arena.allocateFrom("/proc/kpageflags").address(), O_CLOEXEC);
    this.word = arena.allocate(JAVA_LONG);
    this.page = arena.allocate(PAGE);
    this.zeros = arena.allocate(PAGE);
    this.zeroFrame = zeroFrame(arena);
  }

  /// That of a page of our own which was read and never written.
  private long zeroFrame(Arena arena) throws SyscallException {
    Tid self = new Tid((int) Syscalls.call(Nr.GETPID));
    long area = Syscalls.require("map a page of zeros", Nr.MMAP, 0, PAGE, PROT_READ, MAP_PRIVATE_ANONYMOUS, -1, 0);
    try (MemoryFile own = new MemoryFile(self); Pagemap pagemap = new Pagemap(self, arena)) {
      own.read(new RemoteAddress(area), page);
      pagemap.read(area, 1);
      return pagemap.entry(0) & Pagemap.FRAME;
    } finally {
      Syscalls.call(Nr.MUNMAP, area, PAGE);
    }
  }

  /// @param entry of the pagemap, at this address
  boolean isZero(long entry, long address) throws SyscallException {
    if ((entry & Pagemap.PRESENT) == 0 || (entry & Pagemap.EXCLUSIVE) != 0) {
      return false;
    }
    long frame = entry & Pagemap.FRAME;
    if (frame != 0 && zeroFrame != 0) {
      long head = head(entry, address);
      return frame == zeroFrame || head % HUGE_FRAMES == 0 && (flagsOf(head) & KPF_ZERO_PAGE) != 0;
    }
    // A kernel that calls the huge page of zeros one of a file is right in effect: it is nobody's own.
    return (entry & Pagemap.FILE) == 0 && holdsZeros(address);
  }

  /// A page of one that is huge, where it would be if that is mapped as such.
  boolean isHuge(long entry, long address) {
    long head = head(entry, address);
    return (entry & Pagemap.PRESENT) != 0 && head > 0 && head % HUGE_FRAMES == 0
        && (flagsOf(head) & (KPF_THP | KPF_COMPOUND_HEAD)) == (KPF_THP | KPF_COMPOUND_HEAD);
  }

  /// The first frame of the huge page that this one would be of.
  private static long head(long entry, long address) {
    return (entry & Pagemap.FRAME) - address / PAGE % HUGE_FRAMES;
  }

  /// 0 where they are not shown.
  private long flagsOf(long frame) {
    if (frame != knownFrame) {
      knownFlags = Syscalls.call(Nr.PREAD64, flags, word.address(), Long.BYTES, frame * Long.BYTES) == Long.BYTES
          ? word.get(JAVA_LONG, 0) : 0;
      knownFrame = frame;
    }
    return knownFlags;
  }

  private boolean holdsZeros(long address) throws SyscallException {
    if (memory.isEmpty()) {
      memory = Optional.of(new MemoryFile(task));
    }
    memory.get().read(new RemoteAddress(address), page);
    return page.get(JAVA_BYTE, 0) == 0 && page.mismatch(zeros) < 0;
  }

  @Override
  public void close() {
    memory.ifPresent(MemoryFile::close);
    if (!Errno.isError(flags)) {
      Syscalls.call(Nr.CLOSE, flags);
    }
  }
}
