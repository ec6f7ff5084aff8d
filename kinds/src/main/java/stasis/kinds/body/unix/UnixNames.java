package stasis.kinds.body.unix;

import java.util.Optional;
import stasis.kinds.body.unix.UnixBody.Place;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.UnixSocket;

/// Where the file of a bound unix socket is. Its address keeps the text bind(2) was given, whatever became of the file.
final class UnixNames {
  private static final int SIOCUNIXFILE = 0x89e0;
  private static final int AT_SYMLINK_NOFOLLOW = 0x100;
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final int STATX_BYTES = 256;
  private static final int MAX_PATH_BYTES = 4096;
  private static final int PERMISSIONS = 07777;
  private static final String DELETED = " (deleted)";

  private UnixNames() {}

  /// A file as statx(2) sees it.
  private record Seen(long inode, int mode, int uid, int gid) {}

  /// Empty for an abstract name or none.
  static Optional<Place> of(OpenFile file, UnixSocket socket) throws ObstructedException {
    Bytes name = socket.name();
    if (name.isEmpty() || name.u8(0) == 0) {
      return Optional.empty();
    }
    Optional<PathBytes> opened = opened(file);
    PathBytes bound = bound(file, name, opened);
    Optional<Seen> there = look(file, bound);
    long inode = socket.fileInode().orElse(0L);
    if (there.filter(seen -> (seen.inode() & 0xffffffffL) == inode).isPresent()) {
      return Optional.of(place(bound, bound, there.get()));
    }
    if (opened.isPresent() && !opened.get().latin1().endsWith(DELETED)) {
      Optional<Seen> moved = look(file, opened.get())
          .filter(seen -> (seen.inode() & 0xffffffffL) == inode);
      if (moved.isPresent()) {
        return Optional.of(place(bound, opened.get(), moved.get()));
      }
    }
    return Optional.of(gone(bound));
  }

  /// Of a socket that nobody has open any more.
  static Optional<Place> ofClosed(OpenFile near, Bytes name) throws ObstructedException {
    if (name.isEmpty() || name.u8(0) == 0) {
      return Optional.empty();
    }
    if (name.u8(0) != '/') {
      throw new ObstructedException(near.subject(), "it knows a closed socket by the relative path "
          + name.latin1() + ", which nobody can tell the place of", "use absolute paths or abstract names");
    }
    PathBytes bound = new PathBytes(name);
    return Optional.of(look(near, bound).map(seen -> place(bound, bound, seen)).orElse(gone(bound)));
  }

  private static Place place(PathBytes bound, PathBytes path, Seen seen) {
    return new Place(bound, path, true, seen.inode(), seen.mode() & PERMISSIONS, seen.uid(), seen.gid());
  }

  private static Place gone(PathBytes bound) {
    return new Place(bound, bound, false, 0, 0, 0, 0);
  }

  /// Where bind(2) made it: a relative name is found again by the file the kernel has open for it.
  private static PathBytes bound(OpenFile file, Bytes name, Optional<PathBytes> opened) throws ObstructedException {
    String text = new PathBytes(name).latin1();
    if (text.startsWith("/")) {
      return new PathBytes(name);
    }
    String path = opened.map(PathBytes::latin1).orElse(file.task().link("cwd") + "/" + text);
    path = path.endsWith(DELETED) ? path.substring(0, path.length() - DELETED.length()) : path;
    if (path.endsWith("/" + text)) {
      return PathBytes.of(path);
    }
    if (text.contains("/") || !path.contains("/")) {
      throw new ObstructedException(file.subject(), "it is bound to " + text + ", a relative path that leads nowhere"
          + " now", "use absolute paths or abstract names");
    }
    return PathBytes.of(path.substring(0, path.lastIndexOf('/') + 1) + text);
  }

  /// Empty without CAP_NET_ADMIN.
  private static Optional<PathBytes> opened(OpenFile file) {
    Answer fd = file.ask(Nr.IOCTL, Arg.self(), Arg.imm(SIOCUNIXFILE), Arg.imm(0));
    if (fd.failed()) {
      return Optional.empty();
    }
    Answer link = file.ask(Nr.READLINKAT, Arg.imm(Open.AT_FDCWD), Arg.string("/proc/self/fd/" + fd.result()),
        Arg.space(MAX_PATH_BYTES), Arg.imm(MAX_PATH_BYTES));
    file.ask(Nr.CLOSE, Arg.imm(fd.result()));
    return link.failed() ? Optional.empty()
        : Optional.of(new PathBytes(link.output(2).slice(0, (int) link.result())));
  }

  private static Optional<Seen> look(OpenFile asker, PathBytes path) {
    Answer found = asker.ask(Nr.STATX, Arg.imm(Open.AT_FDCWD), Arg.path(path), Arg.imm(AT_SYMLINK_NOFOLLOW),
        Arg.imm(STATX_BASIC_STATS), Arg.space(STATX_BYTES));
    if (found.failed() || (found.output(4).u16(28) & FileStat.S_IFMT) != FileStat.S_IFSOCK) {
      return Optional.empty();
    }
    Bytes stat = found.output(4);
    return Optional.of(new Seen(stat.u64(32), stat.u16(28), stat.u32(20), stat.u32(24)));
  }
}
