package stasis.kinds.body.directory;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.FileOwner;
import stasis.kinds.file.NamedFile;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.BodyView;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A directory that was deleted while somebody has it open. Nothing can be in it: it is made again at its old path,
/// with the directories above it that are gone too, opened, and deleted.
public final class GoneDirectory implements BodyKind<GoneDirectory.State> {
  /// @param path where it was @param mode permission bits
  record State(@Tag(1) PathBytes path, @Tag(2) int mode, @Tag(3) int uid, @Tag(4) int gid) {
    State {
      if ((mode & ~PERMISSIONS) != 0) {
        throw new IllegalArgumentException("no permissions are " + Integer.toOctalString(mode));
      }
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.directory", 1);
  /// uapi/linux/magic.h: cgroup, cgroup2, proc, sysfs, debugfs, tracefs, configfs, securityfs, bpf, resctrl.
  private static final Set<Long> NO_STORAGE = Set.of(0x27e0ebL, 0x63677270L, 0x9fa0L, 0x62656572L, 0x64626720L,
      0x74726163L, 0x62656570L, 0x73636673L, 0xcafe4a11L, 0x7655821L);
  private static final int PERMISSIONS = 07777;
  private static final int OWNER_ONLY = 0700;
  private static final int AT_REMOVEDIR = 0x200;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public State checkpoint(BodyView body) throws ObstructedException {
    OpenFile any = body.files().getFirst();
    if (NO_STORAGE.contains(any.filesystemMagic())) {
      throw new ObstructedException(any.subject(), "a deleted directory of a file system whose directories are objects"
          + " of the kernel (cgroup, configfs) cannot be made anew", "let the program close it before the checkpoint");
    }
    FileOwner owner = FileOwner.of(any);
    return new State(NamedFile.formerPath(any.link()), any.facts().mode() & PERMISSIONS,
        owner.uid(), owner.gid());
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    return host.file(state.path()).isEmpty() ? List.of()
        : List.of(Loss.of("its name " + state.path() + " is taken; its link then reads another"));
  }

  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    PathBytes path = refs.host().file(state.path()).isEmpty() ? state.path()
        : PathBytes.of("/tmp/.stasis-directory-" + refs.pidOf(script.task()) + "-" + self.value());
    List<PathBytes> missing = missing(path, refs.host());
    missing.forEach(directory -> script.call(Nr.MKDIRAT, "deleted directory " + directory, Arg.imm(Open.AT_FDCWD),
        Arg.path(directory), Arg.imm(OWNER_ONLY)));
    Ref<Fd> fd = script.call(Nr.OPENAT, "deleted directory " + self, Arg.imm(Open.AT_FDCWD), Arg.path(path),
        Arg.imm(Open.O_RDONLY | OpenFlags.O_DIRECTORY | Open.O_CLOEXEC), Arg.imm(0));
    script.call(Nr.FCHOWN, "its owner", Arg.result(fd), Arg.imm(state.uid()), Arg.imm(state.gid()));
    script.call(Nr.FCHMOD, "its mode", Arg.result(fd), Arg.imm(state.mode()));
    missing.reversed().forEach(directory -> script.call(Nr.UNLINKAT, "deleted again, " + directory,
        Arg.imm(Open.AT_FDCWD), Arg.path(directory), Arg.imm(AT_REMOVEDIR)));
    return fd;
  }

  /// It and those above it that are not there, from the top down.
  private static List<PathBytes> missing(PathBytes path, Host host) {
    var missing = new ArrayList<PathBytes>();
    String text = path.latin1();
    while (text.length() > 1 && host.file(PathBytes.of(text)).isEmpty()) {
      missing.addFirst(PathBytes.of(text));
      text = text.substring(0, Math.max(1, text.lastIndexOf('/')));
    }
    return missing;
  }
}
