package stasis.kinds.file;

import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FdInfo;
import stasis.procfs.MountInfo;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

/// A path that leads to what an inotify watches, found by its file handle (open_by_handle_at(2)).
public final class HandlePath {
  private static final int O_PATH = 010000000;
  private static final int O_NONBLOCK = 04000;
  private static final int MAX_PATH_BYTES = 4096;

  private HandlePath() {}

  /// Empty without CAP_DAC_READ_SEARCH, on a file system without handles, and for what no path leads to any more.
  public static Optional<PathBytes> of(OpenFile file, FdInfo.InotifyWatch watch) throws ObstructedException {
    if (watch.handleHex().isEmpty()) {
      return Optional.empty();
    }
    Bytes id = Bytes.hex(watch.handleHex());
    Bytes handle = Bytes.ofU32(id.length(), watch.handleType()).concat(id);
    for (MountInfo.Mount mount : MountInfo.parse(file.task().proc("mountinfo")).mounts()) {
      if (mount.device().equals(watch.device())) {
        Optional<PathBytes> path = under(file, mount.point(), handle)
            .filter(found -> NamedFile.leadsTo(file, found, watch.device().stat(), watch.inode()));
        if (path.isPresent()) {
          return path;
        }
      }
    }
    return Optional.empty();
  }

  private static Optional<PathBytes> under(OpenFile file, PathBytes mount, Bytes handle) {
    Answer root = file.ask(Nr.OPENAT, Arg.imm(Open.AT_FDCWD), Arg.path(mount),
        Arg.imm(Open.O_RDONLY | Open.O_CLOEXEC | O_NONBLOCK));
    if (root.failed()) {
      return Optional.empty();
    }
    Answer opened = file.ask(Nr.OPEN_BY_HANDLE_AT, Arg.imm(root.result()), Arg.data(handle),
        Arg.imm(O_PATH | Open.O_CLOEXEC));
    file.ask(Nr.CLOSE, Arg.imm(root.result()));
    if (opened.failed()) {
      return Optional.empty();
    }
    Answer link = file.ask(Nr.READLINKAT, Arg.imm(Open.AT_FDCWD), Arg.string("/proc/self/fd/" + opened.result()),
        Arg.space(MAX_PATH_BYTES), Arg.imm(MAX_PATH_BYTES));
    file.ask(Nr.CLOSE, Arg.imm(opened.result()));
    return link.failed() ? Optional.empty()
        : Optional.of(new PathBytes(link.output(2).slice(0, (int) link.result())));
  }
}
