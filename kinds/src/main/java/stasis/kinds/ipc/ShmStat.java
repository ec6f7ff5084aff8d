package stasis.kinds.ipc;

import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.Mapping;
import stasis.resource.ObstructedException;

/// `struct shmid64_ds` of 64-bit machines (uapi/asm-generic/shmbuf.h, ipcbuf.h), and the calls around it.
public record ShmStat(Bytes struct) {
  public static final int IPC_PRIVATE = 0;
  public static final int IPC_CREAT = 01000;
  public static final int IPC_EXCL = 02000;
  public static final int IPC_RMID = 0;
  public static final int IPC_SET = 1;
  public static final int IPC_STAT = 2;
  public static final int SHM_LOCK = 11;
  public static final int SHM_RDONLY = 010000;

  private static final int BYTES = 112;
  private static final int KEY = 0;
  private static final int UID = 4;
  private static final int GID = 8;
  private static final int CREATOR_UID = 12;
  private static final int CREATOR_GID = 16;
  private static final int MODE = 20;
  private static final int SIZE = 48;
  private static final int CREATOR = 80;
  private static final int ATTACHES = 88;
  private static final long PAGE_BYTES = 4096;

  /// The segment below a mapping.
  public static ShmStat of(Mapping mapping) throws ObstructedException {
    return of(mapping.group(), id(mapping), mapping.subject());
  }

  /// A segment of the IPC namespace of a group.
  public static ShmStat of(FrozenGroup group, int id, String subject) throws ObstructedException {
    Answer answer = group.leader().observe(Nr.SHMCTL, Arg.imm(id), Arg.imm(IPC_STAT), Arg.space(BYTES));
    if (answer.failed()) {
      throw new ObstructedException(subject, "its System V shared memory segment cannot be looked at",
          "run as root, or as the owner of the segment");
    }
    return new ShmStat(answer.output(2));
  }

  /// The inode number is the shmid (ipc/shm.c, newseg()).
  public static int id(Mapping mapping) {
    return (int) mapping.vma().inode();
  }

  /// What IPC_SET takes.
  public static Bytes ownership(int uid, int gid, int mode) {
    return Bytes.zeros(BYTES).withU32(UID, uid).withU32(GID, gid).withU32(MODE, mode);
  }

  /// As shown by `/proc/PID/maps` as long as the segment exists; 0 once it is removed.
  public int key() {
    return struct.u32(KEY);
  }

  public int uid() {
    return struct.u32(UID);
  }

  public int gid() {
    return struct.u32(GID);
  }

  public int creatorUid() {
    return struct.u32(CREATOR_UID);
  }

  public int creatorGid() {
    return struct.u32(CREATOR_GID);
  }

  /// Permission bits, SHM_DEST and SHM_LOCKED.
  public int mode() {
    return struct.u32(MODE);
  }

  public long sizeBytes() {
    return struct.u64(SIZE);
  }

  /// Pid of the process that made it.
  public int creator() {
    return struct.u32(CREATOR);
  }

  /// Vmas on it, in all processes.
  public long attaches() {
    return struct.u64(ATTACHES);
  }

  /// What an attach of a segment of this size takes of the address space.
  public static long attachBytes(long sizeBytes) {
    return attachBytes(sizeBytes, PAGE_BYTES);
  }

  /// The same in pages of another size.
  public static long attachBytes(long sizeBytes, long pageBytes) {
    return (sizeBytes + pageBytes - 1) & -pageBytes;
  }
}
