package stasis.repository;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// A file read and written past the page cache (open(2), O_DIRECT). Addresses, offsets and lengths are multiples of
/// 4096. May be used by several threads at once.
final class DirectFile implements AutoCloseable {
  private static final long PAGE = 4096;
  private static final int AT_FDCWD = -100;
  private static final int O_RDWR = 2;
  private static final int O_CLOEXEC = 0x80000;
  private static final int O_DIRECT_X86_64 = 0x4000;
  private static final int O_DIRECT_AARCH64 = 0x10000;

  /// Of struct cachestat_range and struct cachestat (include/uapi/linux/mman.h): 2 and 5 of 8 bytes.
  private static final int CACHESTAT_RANGE_BYTES = 16;
  private static final int CACHESTAT_BYTES = 40;

  private final long fd;

  private DirectFile(long fd) {
    this.fd = fd;
  }

  /// @return empty where the file system has no such access
  static Optional<DirectFile> open(Path file, boolean writable) {
    int direct = switch (Syscalls.HOST) {
      case X86_64 -> O_DIRECT_X86_64;
      case AARCH64 -> O_DIRECT_AARCH64;
    };
    try (Arena arena = Arena.ofConfined()) {
      long fd = Syscalls.call(Nr.OPENAT, AT_FDCWD, arena.allocateFrom(file.toAbsolutePath().toString()).address(),
          O_CLOEXEC | direct | (writable ? O_RDWR : 0));
      return Errno.isError(fd) ? Optional.empty() : Optional.of(new DirectFile(fd));
    }
  }

  /// Whether at least half of a stretch is in the page cache, from where it comes sooner than from a device
  /// (cachestat(2), Linux 6.5). False where that cannot be told.
  boolean isMostlyCached(long offset, long lengthBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment range = arena.allocate(CACHESTAT_RANGE_BYTES, Long.BYTES);
      range.set(ValueLayout.JAVA_LONG, 0, offset);
      range.set(ValueLayout.JAVA_LONG, Long.BYTES, lengthBytes);
      MemorySegment found = arena.allocate(CACHESTAT_BYTES, Long.BYTES);
      return Syscalls.call(Nr.CACHESTAT, fd, range.address(), found.address(), 0) == 0
          && found.get(ValueLayout.JAVA_LONG, 0) * PAGE * 2 >= lengthBytes;
    }
  }

  /// Writes whole. @return false, and nothing is written, where the device wants other multiples
  boolean write(MemorySegment bytes, long offset) throws IOException {
    return transfer(Nr.PWRITE64, bytes, offset);
  }

  /// Fills `into` whole. @return false, and nothing is read, where the device wants other multiples
  boolean read(MemorySegment into, long offset) throws IOException {
    return transfer(Nr.PREAD64, into, offset);
  }

  private boolean transfer(Nr nr, MemorySegment bytes, long offset) throws IOException {
    for (long done = 0; done < bytes.byteSize();) {
      long moved = Syscalls.call(nr, fd, bytes.address() + done, bytes.byteSize() - done, offset + done);
      if (done == 0 && moved == -Errno.EINVAL.number()) {
        return false;
      }
      if (moved == 0) {
        throw new IOException("the file became shorter while it was read");
      }
      if (Errno.isError(moved)) {
        throw new IOException(Errno.of(moved).meaning());
      }
      done += moved;
    }
    return true;
  }

  @Override
  public void close() {
    Syscalls.call(Nr.CLOSE, fd);
  }
}
