package stasis.linux.bpf;

import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Uffd;

/// A userfaultfd as the kernel keeps it (fs/userfaultfd.c, struct userfaultfd_ctx).
///
/// @param userModeOnly faults of the kernel itself are not for it @param watches it is of the mm that was asked about
public record KernelFaults(boolean userModeOnly, boolean watches) {
  /// @param files address of the files_struct of a task that has it open @param fd where
  /// @param mm address of an mm_struct
  static KernelFaults of(KernelWords words, long files, int fd, long mm) throws SyscallException, UnsupportedKernel {
    long table = words.u64(words.u64(files + words.offset("files_struct", "fdt")) + words.offset("fdtable", "fd"));
    long file = words.u64(table + (long) Long.BYTES * fd);
    long context = words.u64(file + words.offset("file", "private_data"));
    return new KernelFaults((words.u32(context + words.offset("userfaultfd_ctx", "flags")) & Uffd.USER_MODE_ONLY) != 0,
        words.u64(context + words.offset("userfaultfd_ctx", "mm")) == mm);
  }
}
