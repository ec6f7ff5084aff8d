package stasis.linux.probe;

import java.util.List;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// What files and sockets can be told, tried on fresh ones.
final class FileProbe {
  private static final int IN_CLOEXEC = 0x80000;
  private static final long INOTIFY_IOC_SETNEXTWD = 0x40044900;
  private static final int AF_INET = 2;
  private static final int SOCK_STREAM_CLOEXEC = 0x80001;
  private static final int IPPROTO_TCP = 6;
  private static final int TCP_REPAIR = 19;
  private static final long LSMT_ROOT = -1;

  private FileProbe() {}

  static List<Finding> look() {
    try (Scratch scratch = new Scratch()) {
      return List.of(inotify(scratch), tcpRepair(scratch), listMount(scratch));
    }
  }

  private static Finding inotify(Scratch scratch) {
    long fd = scratch.open(Nr.INOTIFY_INIT1, IN_CLOEXEC);
    return Scratch.verdict(Feature.INOTIFY_NEXT_WD,
        Errno.isError(fd) ? fd : Syscalls.call(Nr.IOCTL, fd, INOTIFY_IOC_SETNEXTWD, 1));
  }

  private static Finding tcpRepair(Scratch scratch) {
    long fd = scratch.open(Nr.SOCKET, AF_INET, SOCK_STREAM_CLOEXEC, 0);
    return Scratch.verdict(Feature.TCP_REPAIR,
        Errno.isError(fd) ? fd : Syscalls.call(Nr.SETSOCKOPT, fd, IPPROTO_TCP, TCP_REPAIR, scratch.u32(1), 4));
  }

  /// struct mnt_id_req, first version (include/uapi/linux/mount.h): size, spare, mnt_id, param.
  private static Finding listMount(Scratch scratch) {
    return Scratch.verdict(Feature.LISTMOUNT,
        Syscalls.call(Nr.LISTMOUNT, scratch.u64(24, LSMT_ROOT, 0), scratch.out(64).address(), 8, 0));
  }
}
