package stasis.linux.bpf;

import stasis.linux.abi.Bytes;
import stasis.linux.abi.SyscallException;

/// Whom a POSIX message queue is to tell of the next message, and how, as the kernel keeps it (ipc/mqueue.c, struct
/// mqueue_inode_info): what mq_notify(3) was given.
///
/// @param sort `SIGEV_` @param signal for SIGEV_SIGNAL @param value the program's own
/// @param cookie for SIGEV_THREAD: what its socket then receives; empty for other sorts
/// @param socketInode for SIGEV_THREAD: of that socket
public record KernelNotice(int sort, int signal, long value, Bytes cookie, long socketInode) {
  private static final int SIGEV_THREAD = 2;
  /// NOTIFY_COOKIE_LEN (uapi/linux/mqueue.h).
  private static final int COOKIE_BYTES = 32;

  /// @param queue address of the mqueue_inode_info
  static KernelNotice of(KernelWords words, long queue) throws SyscallException, UnsupportedKernel {
    long notify = queue + words.offset("mqueue_inode_info", "notify");
    int sort = words.u32(notify + words.offset("sigevent", "sigev_notify"));
    boolean thread = sort == SIGEV_THREAD;
    return new KernelNotice(sort, words.u32(notify + words.offset("sigevent", "sigev_signo")),
        words.u64(notify + words.offset("sigevent", "sigev_value")), thread ? cookie(words, queue) : Bytes.EMPTY,
        thread ? socketInode(words, queue) : 0);
  }

  /// The packet that is sent stands ready.
  private static Bytes cookie(KernelWords words, long queue) throws SyscallException, UnsupportedKernel {
    long packet = words.u64(queue + words.offset("mqueue_inode_info", "notify_cookie"));
    long data = words.u64(packet + words.offset("sk_buff", "data"));
    long[] parts = new long[COOKIE_BYTES / Long.BYTES];
    for (int i = 0; i < parts.length; i++) {
      parts[i] = words.u64(data + (long) Long.BYTES * i);
    }
    return Bytes.ofU64(parts);
  }

  private static long socketInode(KernelWords words, long queue) throws SyscallException, UnsupportedKernel {
    long sock = words.u64(queue + words.offset("mqueue_inode_info", "notify_sock"));
    long socket = words.u64(sock + words.offset("sock", "sk_socket"));
    return words.u64(socket - words.offset("socket_alloc", "socket") + words.offset("socket_alloc", "vfs_inode")
        + words.offset("inode", "i_ino"));
  }
}
