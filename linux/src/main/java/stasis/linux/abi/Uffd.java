package stasis.linux.abi;

/// Constants of userfaultfd(2) and ioctl_userfaultfd(2), the same everywhere (uapi/linux/userfaultfd.h).
public final class Uffd {
  /// Only faults from user mode: a system call that touches a missing page then fails with EFAULT. Allowed to everyone.
  public static final int USER_MODE_ONLY = 1;

  public static final long API = 0xAA;

  public static final long FEATURE_PAGEFAULT_FLAG_WP = 1L;
  public static final long FEATURE_EVENT_FORK = 1L << 1;
  public static final long FEATURE_EVENT_REMAP = 1L << 2;
  public static final long FEATURE_EVENT_REMOVE = 1L << 3;
  public static final long FEATURE_MISSING_SHMEM = 1L << 5;
  public static final long FEATURE_EVENT_UNMAP = 1L << 6;
  public static final long FEATURE_THREAD_ID = 1L << 8;
  public static final long FEATURE_WP_HUGETLBFS_SHMEM = 1L << 12;
  public static final long FEATURE_WP_UNPOPULATED = 1L << 13;
  public static final long FEATURE_WP_ASYNC = 1L << 15;

  public static final long REGISTER_MODE_MISSING = 1;
  public static final long REGISTER_MODE_WP = 2;

  /// Of copy, zeropage and writeprotect: whoever waits for the range is not woken.
  public static final long MODE_DONTWAKE = 1;
  public static final long WRITEPROTECT_MODE_WP = 1;

  public static final long IOCTL_API = 0xC018AA3FL;
  public static final long IOCTL_REGISTER = 0xC020AA00L;
  public static final long IOCTL_UNREGISTER = 0x8010AA01L;
  public static final long IOCTL_WAKE = 0x8010AA02L;
  public static final long IOCTL_COPY = 0xC028AA03L;
  public static final long IOCTL_ZEROPAGE = 0xC020AA04L;
  public static final long IOCTL_WRITEPROTECT = 0xC018AA06L;

  /// Bytes of `struct uffd_msg`.
  public static final int MESSAGE_BYTES = 32;

  private Uffd() {}
}
