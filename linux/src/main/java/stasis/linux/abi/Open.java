package stasis.linux.abi;

/// Constants of openat(2) that are the same on x86-64 and aarch64 (uapi/asm-generic/fcntl.h).
public final class Open {
  public static final int AT_FDCWD = -100;
  public static final int AT_EMPTY_PATH = 0x1000;
  public static final int O_RDONLY = 0;
  public static final int O_WRONLY = 1;
  public static final int O_RDWR = 2;
  public static final int O_CLOEXEC = 0x80000;

  private Open() {}
}
