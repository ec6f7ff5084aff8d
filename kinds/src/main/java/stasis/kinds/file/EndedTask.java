package stasis.kinds.file;

import java.util.Comparator;
import java.util.List;
import stasis.resource.BodyKey;
import stasis.resource.OpenFile;

/// Which task that is gone a pidfd leads to. Since Linux 6.9 that is told by inode (fs/pidfs.c); before, by nothing.
public final class EndedTask {
  private static final long PID_FS_MAGIC = 0x50494446;
  private static final long ENDED = -1;

  private EndedTask() {}

  /// Whether it is a pidfd of a task that has ended and was waited for (kernel/fork.c, `pidfd_show_fdinfo()`).
  public static boolean isOf(OpenFile file) {
    return file.link().equals("anon_inode:[pidfd]") && file.info().decimal("Pid") == ENDED;
  }

  /// The same for pidfds of one task.
  public static BodyKey key(OpenFile file) {
    return file.filesystemMagic() == PID_FS_MAGIC
        ? new BodyKey("body.ended", file.facts().device().stat(), file.facts().inode())
        : new BodyKey("body.ended", 0, file.id().value());
  }

  /// What the body notes the pidfd with this number under.
  public static String pidfd(int index) {
    return "pidfd " + index;
  }

  /// Which of the pidfds of its task it is, from 0.
  public static int index(OpenFile file, List<OpenFile> onSameInode) {
    return onSameInode.stream().filter(other -> isOf(other) && key(other).equals(key(file))).map(OpenFile::id)
        .sorted(Comparator.naturalOrder()).toList().indexOf(file.id());
  }
}
