package stasis.procfs;

import java.time.Instant;

/// stat(2) of a file reached through /proc, as far as Java shows it. `mode` is `st_mode` with the type bits.
///
/// @param rdev of a device node @param modified with nanoseconds
public record FileStat(Device device, long inode, int mode, int links, Device rdev, long sizeBytes, Instant modified) {
  public static final int S_IFMT = 0170000;
  public static final int S_IFSOCK = 0140000;
  public static final int S_IFLNK = 0120000;
  public static final int S_IFREG = 0100000;
  public static final int S_IFBLK = 0060000;
  public static final int S_IFDIR = 0040000;
  public static final int S_IFCHR = 0020000;
  public static final int S_IFIFO = 0010000;

  /// One of the `S_IF*`; an anon_inode has 0.
  public int type() {
    return mode & S_IFMT;
  }
}
