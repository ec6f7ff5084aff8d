package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.Optional;
import java.util.zip.CRC32;
import java.util.zip.CRC32C;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Device;
import stasis.procfs.FileStat;

/// Files of this host by the bytes of their path.
final class HostFiles {
  private static final int AT_FDCWD = -100;
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final int O_CLOEXEC = 0x80000;
  private static final int O_NONBLOCK = 0x800;
  /// What is read for one sum is read again for the other, so it should still be near; and a buffer is zeroed first.
  private static final int CHUNK_BYTES = 1 << 16;

  private HostFiles() {}

  /// statx(2) without following a final symlink; empty when nothing is there or it may not be looked at.
  static Optional<FileStat> stat(PathBytes path) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(path.bytes().length() + 1L);
      name.copyFrom(MemorySegment.ofArray(path.cString().toArray()));
      MemorySegment statx = arena.allocate(256, 8);
      long result = Syscalls.call(Nr.STATX, AT_FDCWD, name.address(), AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS,
          statx.address());
      if (Errno.isError(result)) {
        return Optional.empty();
      }
      // struct statx: stx_nlink 16, stx_mode 28, stx_ino 32, stx_size 40, stx_mtime 112, stx_rdev 128, stx_dev 136.
      return Optional.of(new FileStat(
          new Device(statx.get(JAVA_INT, 136), statx.get(JAVA_INT, 140)),
          statx.get(JAVA_LONG, 32), statx.get(JAVA_SHORT, 28) & 0xffff, statx.get(JAVA_INT, 16),
          new Device(statx.get(JAVA_INT, 128), statx.get(JAVA_INT, 132)), statx.get(JAVA_LONG, 40),
          Instant.ofEpochSecond(statx.get(JAVA_LONG, 112), statx.get(JAVA_INT, 120))));
    }
  }

  /// What an open file has of its disk, or of memory.
  static Optional<Long> allocatedBytes(long fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment statx = arena.allocate(256, 8);
      long result = Syscalls.call(Nr.STATX, fd, arena.allocateFrom("").address(), Open.AT_EMPTY_PATH,
          STATX_BASIC_STATS, statx.address());
      // stx_blocks, of 512 bytes each
      return Errno.isError(result) ? Optional.empty() : Optional.of(statx.get(JAVA_LONG, 48) * 512);
    }
  }

  /// CRC32C in the upper half, CRC32 in the lower; empty when the file cannot be read that far.
  static Optional<Long> checksum(PathBytes path, long offset, long lengthBytes) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocate(path.bytes().length() + 1L);
      name.copyFrom(MemorySegment.ofArray(path.cString().toArray()));
      long fd = Syscalls.call(Nr.OPENAT, AT_FDCWD, name.address(), O_CLOEXEC | O_NONBLOCK);
      if (Errno.isError(fd)) {
        return Optional.empty();
      }
      try {
        return checksum(fd, offset, lengthBytes);
      } finally {
        Syscalls.call(Nr.CLOSE, fd);
      }
    }
  }

  /// Of an open file.
  static Optional<Long> checksum(long fd, long offset, long lengthBytes) {
    try (Arena arena = Arena.ofConfined()) {
      return checksum(fd, offset, lengthBytes, arena.allocate(Math.clamp(lengthBytes, 0, CHUNK_BYTES), 8));
    }
  }

  private static Optional<Long> checksum(long fd, long offset, long lengthBytes, MemorySegment chunk) {
    CRC32C upper = new CRC32C();
    CRC32 lower = new CRC32();
    long done = 0;
    while (done < lengthBytes) {
      long got = Syscalls.call(Nr.PREAD64, fd, chunk.address(), Math.min(CHUNK_BYTES, lengthBytes - done),
          offset + done);
      if (got <= 0) {
        return Optional.empty();
      }
      upper.update(chunk.asSlice(0, got).asByteBuffer());
      lower.update(chunk.asSlice(0, got).asByteBuffer());
      done += got;
    }
    return Optional.of(upper.getValue() << 32 | lower.getValue());
  }
}
