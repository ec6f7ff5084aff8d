package stasis.kinds.file;

import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.OpenFile;

/// Where the name of an open file leads now.
public final class NamedFile {
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final int STATX_BYTES = 256;
  private static final Pattern TASK = Pattern.compile("/proc/[0-9]+(/|$)");
  private static final Pattern NUMBER = Pattern.compile("/proc/([0-9]{1,9})/(?:task/[0-9]+/)?fdinfo/([0-9]{1,9})");
  private static final String DELETED = " (deleted)";
  /// proc, sysfs, cgroup2, debugfs, tracefs, securityfs: made up at each look (uapi/linux/magic.h).
  private static final Set<Long> KERNEL_MADE =
      Set.of(0x9fa0L, 0x62656572L, 0x63677270L, 0x64626720L, 0x74726163L, 0x73636673L);

  private NamedFile() {}

  /// Whether the link's text, taken as a path, leads to this very file.
  public static boolean leadsTo(OpenFile file) {
    return leadsTo(file, PathBytes.of(file.link()), file.facts().device().stat(), file.facts().inode());
  }

  public static boolean leadsTo(OpenFile asker, PathBytes path, long device, long inode) {
    Answer found = statx(asker, path);
    return !found.failed() && device(found) == device && found.output(4).u64(32) == inode;
  }

  public static boolean exists(OpenFile asker, PathBytes path) {
    return !statx(asker, path).failed();
  }

  private static Answer statx(OpenFile asker, PathBytes path) {
    return asker.ask(Nr.STATX, Arg.imm(Open.AT_FDCWD), Arg.path(path), Arg.imm(AT_SYMLINK_NOFOLLOW),
        Arg.imm(STATX_BASIC_STATS), Arg.space(STATX_BYTES));
  }

  private static long device(Answer statx) {
    return new stasis.procfs.Device(statx.output(4).u32(136), statx.output(4).u32(140)).stat();
  }

  /// Whether the last name it was reached by is gone; a file may also be called that. What shows a number of a task's
  /// files is there whenever that number is open, and may come back.
  public static boolean isDeleted(OpenFile file) {
    return file.link().endsWith(DELETED) && numberShown(file).isEmpty()
        && (file.facts().links() == 0 || !leadsTo(file));
  }

  /// Of which fd of the tree this file of `/proc/PID/fdinfo` tells, open now or not.
  public static Optional<FileKind.Number> numberShown(OpenFile file) {
    return numberShown(formerPath(file.link())).filter(number -> isKernelMade(file)
        && file.taskInTree(number.pid()).isPresent());
  }

  /// Of which fd a file of this path tells (proc_pid_fdinfo(5)).
  public static Optional<FileKind.Number> numberShown(PathBytes path) {
    var match = NUMBER.matcher(path.latin1());
    return match.matches() ? Optional.of(new FileKind.Number(Integer.parseInt(match.group(1)),
        new Fd(Integer.parseInt(match.group(2))))) : Optional.empty();
  }

  /// The path of a deleted file before that.
  public static PathBytes formerPath(String link) {
    return PathBytes.of(link.endsWith(DELETED) ? link.substring(0, link.length() - DELETED.length()) : link);
  }

  /// Whether it lies in /proc/PID of some task.
  public static boolean isOfATask(PathBytes path) {
    return TASK.matcher(path.latin1()).lookingAt();
  }

  /// Files whose size and time say nothing.
  public static boolean isKernelMade(OpenFile file) {
    return KERNEL_MADE.contains(file.filesystemMagic());
  }

  /// Modification time, ns since the epoch.
  public static long modifiedNs(FileStat facts) {
    return facts.modified().getEpochSecond() * 1_000_000_000L + facts.modified().getNano();
  }
}
