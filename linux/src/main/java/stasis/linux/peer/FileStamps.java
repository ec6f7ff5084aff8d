package stasis.linux.peer;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// Files as they are at one moment, to be compared with how they are later: one call for each, and nothing made. The
/// contents are not looked at: whatever writes to a file, or puts another in its place, leaves other times or another
/// inode (statx(2)).
public final class FileStamps {
  private static final int AT_FDCWD = -100;
  private static final int STATX_BASIC_STATS = 0x7ff;
  /// `struct statx` (include/uapi/linux/stat.h): inode and length; times of change; device.
  private static final int STATX_BYTES = 256;
  private static final int INODE = 32;
  private static final int INODE_AND_LENGTH_BYTES = 16;
  private static final int CHANGED = 96;
  private static final int CHANGED_BYTES = 32;
  private static final int DEVICE = 136;
  private static final int DEVICE_BYTES = 8;

  private static final int ENTRY_RESULT = 0;
  private static final int ENTRY_INODE = 8;
  private static final int ENTRY_CHANGED = ENTRY_INODE + INODE_AND_LENGTH_BYTES;
  private static final int ENTRY_DEVICE = ENTRY_CHANGED + CHANGED_BYTES;
  private static final int ENTRY_PATH_BYTES = ENTRY_DEVICE + DEVICE_BYTES;
  private static final int ENTRY_PATH = ENTRY_PATH_BYTES + 8;

  /// Behind each other, of different lengths.
  private final MemorySegment entries;
  private final MemorySegment found;

  private FileStamps(MemorySegment entries, MemorySegment found) {
    this.entries = entries;
    this.found = found;
  }

  /// As they are now; one that is not there is to stay away. Links are followed. Its memory is never given back.
  public static FileStamps of(List<Bytes> paths) {
    Arena arena = Arena.global();
    FileStamps stamps = new FileStamps(arena.allocate(paths.stream().mapToLong(path -> entryBytes(path.length())).sum(), 8),
        arena.allocate(STATX_BYTES, 8));
    long at = 0;
    for (Bytes path : paths) {
      long lengthBytes = entryBytes(path.length());
      MemorySegment entry = stamps.entries.asSlice(at, lengthBytes);
      entry.set(JAVA_INT, ENTRY_PATH_BYTES, path.length());
      MemorySegment.copy(MemorySegment.ofArray(path.toArray()), 0, entry, ENTRY_PATH, path.length());
      entry.set(JAVA_INT, ENTRY_RESULT, stamps.look(entry.address()));
      MemorySegment.copy(stamps.found, INODE, entry, ENTRY_INODE, INODE_AND_LENGTH_BYTES);
      MemorySegment.copy(stamps.found, CHANGED, entry, ENTRY_CHANGED, CHANGED_BYTES);
      MemorySegment.copy(stamps.found, DEVICE, entry, ENTRY_DEVICE, DEVICE_BYTES);
      at += lengthBytes;
    }
    return stamps;
  }

  /// With its NUL.
  private static long entryBytes(int pathBytes) {
    return ENTRY_PATH + (pathBytes + 8L) / 8 * 8;
  }

  private int look(long entry) {
    return (int) Syscalls.kernel(Nr.STATX.on(Syscalls.HOST), AT_FDCWD, entry + ENTRY_PATH, 0, STATX_BASIC_STATS,
        found.address());
  }

  /// Whether all are as they were. Not by several threads at once.
  public boolean areSame() {
    for (long at = 0; at < entries.byteSize(); at += entryBytes(entries.get(JAVA_INT, at + ENTRY_PATH_BYTES))) {
      int result = look(entries.address() + at);
      if (result != entries.get(JAVA_INT, at + ENTRY_RESULT) || result == 0
          && (differs(at + ENTRY_INODE, INODE, INODE_AND_LENGTH_BYTES)
              || differs(at + ENTRY_CHANGED, CHANGED, CHANGED_BYTES)
              || differs(at + ENTRY_DEVICE, DEVICE, DEVICE_BYTES))) {
        return false;
      }
    }
    return true;
  }

  private boolean differs(long entryOffset, long foundOffset, long lengthBytes) {
    for (long i = 0; i < lengthBytes; i += 8) {
      if (entries.get(JAVA_LONG, entryOffset + i)
          != found.get(JAVA_LONG, foundOffset + i)) {
        return true;
      }
    }
    return false;
  }
}
