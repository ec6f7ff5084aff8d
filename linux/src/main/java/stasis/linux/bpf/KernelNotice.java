package stasis.linux.bpf;

import stasis.linux.abi.SyscallException;

/// Whom a POSIX message queue is to tell of the next message, and how, as the kernel keeps it (ipc/mqueue.c, struct
/// mqueue_inode_info): what mq_notify(3) was given.
///
/// @param sort `SIGEV_` @param signal for SIGEV_SIGNAL @param value the program's own
public record KernelNotice(int sort, int signal, long value) {
  /// @param files address of the files_struct of a task that has the queue open @param fd where
  static KernelNotice of(KernelWords words, long files, int fd) throws SyscallException, UnsupportedKernel {
    long table = words.u64(words.u64(files + words.offset("files_struct", "fdt")) + words.offset("fdtable", "fd"));
    long file = words.u64(table + (long) Long.BYTES * fd);
    long inode = words.u64(file + words.offset("file", "f_inode"));
    long notify = inode - words.offset("mqueue_inode_info", "vfs_inode") + words.offset("mqueue_inode_info", "notify");
    return new KernelNotice(words.u32(notify + words.offset("sigevent", "sigev_notify")),
        words.u32(notify + words.offset("sigevent", "sigev_signo")),
        words.u64(notify + words.offset("sigevent", "sigev_value")));
  }
}
