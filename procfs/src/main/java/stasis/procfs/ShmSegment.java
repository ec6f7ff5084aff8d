package stasis.procfs;

import java.util.List;

/// A System V shared memory segment, one line of `/proc/sysvipc/shm` (proc_sysvipc(5); ipc/shm.c,
/// sysvipc_shm_proc_show()).
///
/// @param key 0 for a private or removed one @param mode permission bits, with [#DEST] and [#LOCKED]
///     @param attaches vmas on it, of all processes
public record ShmSegment(int key, int id, int mode, long sizeBytes, long attaches, int creatorUid, int creatorGid) {
  /// Removed, and gone with the last attach (SHM_DEST).
  public static final int DEST = 01000;
  /// Kept from being swapped out (SHM_LOCKED).
  public static final int LOCKED = 02000;
  private static final int ID = 1;
  private static final int MODE = 2;
  private static final int SIZE = 3;
  private static final int ATTACHES = 6;
  private static final int CREATOR_UID = 9;
  private static final int CREATOR_GID = 10;
  private static final int OCTAL = 8;

  static List<ShmSegment> parse(String text) {
    return text.lines().skip(1).map(ShmSegment::line).toList();
  }

  private static ShmSegment line(String line) {
    String[] words = line.strip().split(" +");
    if (words.length <= CREATOR_GID) {
      throw new ProcFormatException("sysvipc/shm", "sixteen numbers", line);
    }
    try {
      return new ShmSegment(Integer.parseInt(words[0]), Integer.parseInt(words[ID]),
          Integer.parseInt(words[MODE], OCTAL), Long.parseLong(words[SIZE]), Long.parseLong(words[ATTACHES]),
          Integer.parseUnsignedInt(words[CREATOR_UID]), Integer.parseUnsignedInt(words[CREATOR_GID]));
    } catch (NumberFormatException e) {
      throw new ProcFormatException("sysvipc/shm", "numbers", line);
    }
  }

  /// The same with nobody attached.
  public ShmSegment unattached() {
    return new ShmSegment(key, id, mode, sizeBytes, 0, creatorUid, creatorGid);
  }

  public boolean isRemoved() {
    return (mode & DEST) != 0;
  }
}
