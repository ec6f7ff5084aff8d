package stasis.kinds.file;

import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.FdInfo;
import stasis.resource.Arg;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Script;

/// Status flags of an open file description, as open(2) and F_GETFL have them. Numbers of the statefile's architecture,
/// x86-64.
public final class OpenFlags {
  public static final int O_ACCMODE = 3;
  public static final int O_WRONLY = 1;
  public static final int O_RDWR = 2;
  public static final int O_CREAT = 0100;
  public static final int O_EXCL = 0200;
  public static final int O_APPEND = 02000;
  public static final int O_NONBLOCK = 04000;
  public static final int O_ASYNC = 020000;
  public static final int O_DIRECT = 040000;
  public static final int O_LARGEFILE = 0100000;
  public static final int O_DIRECTORY = 0200000;
  public static final int O_NOFOLLOW = 0400000;
  public static final int O_PATH = 010000000;
  private static final int O_NOCTTY = 0400;
  private static final int O_TRUNC = 01000;
  /// O_TMPFILE without O_DIRECTORY: only the description that made the file has it.
  public static final int TMPFILE_BIT = 020000000;
  /// What open(2) acts on once; O_TMPFILE alone stays visible later (fs/open.c, do_dentry_open()).
  private static final int ONCE = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | TMPFILE_BIT;
  private static final int F_SETFL = 4;

  private OpenFlags() {}

  /// What a description must be reopened with. Close-on-exec is the fd's and not among them, nor is O_ASYNC, which only
  /// F_SETFL brings about (open(2)).
  public static int of(OpenFile file) {
    return file.info().flags() & ~(ONCE | O_ASYNC | FdInfo.O_CLOEXEC);
  }

  public static boolean isWritable(int flags) {
    return (flags & O_ACCMODE) != 0;
  }

  public static boolean isReadable(int flags) {
    return (flags & O_ACCMODE) != O_WRONLY;
  }

  /// Appends the setting of all of them.
  public static void set(int flags, Arg file, Script script) {
    script.call(Nr.FCNTL, "its status flags", file, Arg.imm(F_SETFL), Arg.imm(flags));
  }

  /// Appends what a file made with O_NONBLOCK alone still lacks.
  public static void complete(int flags, Ref<Fd> fd, Script script) {
    if ((flags & ~(O_ACCMODE | O_NONBLOCK | O_LARGEFILE)) != 0) {
      script.call(Nr.FCNTL, "its status flags", Arg.result(fd), Arg.imm(F_SETFL), Arg.imm(flags));
    }
  }
}
