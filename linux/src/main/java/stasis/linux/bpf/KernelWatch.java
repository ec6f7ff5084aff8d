package stasis.linux.bpf;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// Signals asked for when something changes in an open directory (F_NOTIFY of fcntl(2); fs/notify/dnotify/dnotify.c).
///
/// @param task of those whose table it was asked through @param fd that the signal tells @param mask kernel's own bits,
///     FS_
public record KernelWatch(Tid task, int fd, int mask) {
  private static final int MARKS_MAX = 4096;

  /// @param file address of the struct file @param tables addresses of files_structs, with a task that has each
  static List<KernelWatch> of(KernelWords words, long file, Map<Long, Tid> tables)
      throws SyscallException, UnsupportedKernel {
    var found = new ArrayList<KernelWatch>();
    long connector = words.u64(words.u64(file + words.offset("file", "f_inode"))
        + words.offset("inode", "i_fsnotify_marks"));
    long at = connector == 0 ? 0 : words.u64(connector + words.offset("fsnotify_mark_connector", "list"));
    for (int i = 0; at != 0 && i < MARKS_MAX; i++) {
      // Of whatever other sort a mark is, nothing behind it leads to this file.
      long watch = words.u64(at - words.offset("fsnotify_mark", "obj_list") + words.offset("dnotify_mark", "dn"));
      for (int j = 0; watch != 0 && j < MARKS_MAX; j++) {
        Tid task = tables.get(words.u64(watch + words.offset("dnotify_struct", "dn_owner")));
        if (task != null && words.u64(watch + words.offset("dnotify_struct", "dn_filp")) == file) {
          found.add(new KernelWatch(task, words.u32(watch + words.offset("dnotify_struct", "dn_fd")),
              words.u32(watch + words.offset("dnotify_struct", "dn_mask"))));
        }
        watch = words.u64(watch + words.offset("dnotify_struct", "dn_next"));
      }
      at = words.u64(at);
    }
    return found;
  }

  /// The struct file below a descriptor.
  ///
  /// @param files address of the files_struct of a task that has it open @param fd where
  static long file(KernelWords words, long files, int fd) throws SyscallException, UnsupportedKernel {
    return words.u64(words.u64(words.u64(files + words.offset("files_struct", "fdt")) + words.offset("fdtable", "fd"))
        + (long) Long.BYTES * fd);
  }
}
