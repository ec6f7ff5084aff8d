package stasis.procfs;

/// A device number, major and minor. Three encodings of it are about: text `fe:00` in maps, `st_dev` of stat(2), and
/// the kernel's own `dev_t` in fdinfo (`sdev:`).
public record Device(int major, int minor) implements Comparable<Device> {
  public static final Device NONE = new Device(0, 0);

  /// From `st_dev` or `st_rdev` as the C library packs it (makedev(3)).
  public static Device ofStat(long dev) {
    return new Device((int) ((dev >>> 8 & 0xfff) | (dev >>> 32 & 0xffff_f000L)),
        (int) ((dev & 0xff) | (dev >>> 12 & 0xffff_ff00L)));
  }

  /// From the kernel's internal `dev_t`: 12 bits major, 20 bits minor (include/linux/kdev_t.h).
  public static Device ofKernel(long dev) {
    return new Device((int) (dev >>> 20 & 0xfff), (int) (dev & 0xfffff));
  }

  /// As `st_dev` of stat(2) has it.
  public long stat() {
    return (minor & 0xffL) | (major & 0xfffL) << 8 | (minor & 0xffff_ff00L) << 12 | (major & 0xffff_f000L) << 32;
  }

  @Override
  public int compareTo(Device other) {
    int byMajor = Integer.compare(major, other.major);
    return byMajor != 0 ? byMajor : Integer.compare(minor, other.minor);
  }

  @Override
  public String toString() {
    return major + ":" + minor;
  }
}
