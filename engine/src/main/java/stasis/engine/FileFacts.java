package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Device;
import stasis.procfs.FileStat;

/// What statx(2) tells of an open file or folder.
///
/// @param device st_dev @param mode type and permissions @param accessedNs @param modifiedNs ns since the epoch
record FileFacts(long device, long inode, int mode, int links, int uid, int gid, long sizeBytes, long accessedNs,
    long modifiedNs) {
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final int STATX_BYTES = 256;
  private static final int S_IFMT = 0170000;
  private static final int PERMISSIONS = 07777;
  private static final long NS_PER_S = 1_000_000_000L;

  static FileFacts of(long fd, String subject) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment statx = arena.allocate(STATX_BYTES, Long.BYTES);
      Syscalls.require("look at " + subject, Nr.STATX, fd, arena.allocateFrom("").address(), Open.AT_EMPTY_PATH,
          STATX_BASIC_STATS, statx.address());
      // struct statx: stx_nlink 16, stx_uid 20, stx_gid 24, stx_mode 28, stx_ino 32, stx_size 40, stx_atime 64,
      // stx_mtime 112, stx_dev 136.
      return new FileFacts(new Device(statx.get(JAVA_INT, 136), statx.get(JAVA_INT, 140)).stat(),
          statx.get(JAVA_LONG, 32), statx.get(JAVA_SHORT, 28) & 0xffff, statx.get(JAVA_INT, 16),
          statx.get(JAVA_INT, 20), statx.get(JAVA_INT, 24), statx.get(JAVA_LONG, 40), time(statx, 64),
          time(statx, 112));
    }
  }

  private static long time(MemorySegment statx, long offset) {
    return statx.get(JAVA_LONG, offset) * NS_PER_S + statx.get(JAVA_INT, offset + Long.BYTES);
  }

  boolean isRegular() {
    return (mode & S_IFMT) == FileStat.S_IFREG;
  }

  int permissions() {
    return mode & PERMISSIONS;
  }

  boolean isSameFile(FileFacts other) {
    return device == other.device && inode == other.inode;
  }

  /// Whether nobody has written to it between the two looks, as far as size and time tell.
  boolean isUnwrittenSince(FileFacts earlier) {
    return isSameFile(earlier) && sizeBytes == earlier.sizeBytes && modifiedNs == earlier.modifiedNs;
  }
}
