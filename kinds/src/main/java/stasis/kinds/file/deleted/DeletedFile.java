package stasis.kinds.file.deleted;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.FileLock;
import stasis.kinds.file.NamedFile;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.FileKind;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// An open description of a regular file without its name: deleted since, or made with O_TMPFILE. The file itself is a
/// body, which other descriptions and mappings may share.
public final class DeletedFile implements FileKind<DeletedFile.State> {
  /// @param flags of open(2) @param self its own id, under which the body has it opened by name where it has O_NOFOLLOW,
  ///     or has it from making the file where it has O_TMPFILE
  record State(@Tag(1) ObjectId body, @Tag(2) int flags, @Tag(3) long positionBytes, @Tag(4) List<FileLock> locks,
      @Tag(5) Optional<ObjectId> self) {
    State {
      locks = List.copyOf(locks);
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.deleted", 2);
  private static final int SEEK_SET = 0;
  private static final Set<Errno> NO_SUCH_FD = Set.of(Errno.EBADF, Errno.EINVAL);

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.facts().type() == FileStat.S_IFREG && file.link().startsWith("/")
        && (file.info().flags() & OpenFlags.O_PATH) == 0 && NamedFile.isDeleted(file);
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    BodyKey key = new BodyKey("body.deleted", file.facts().device().stat(), file.facts().inode());
    int flags = OpenFlags.of(file) & ~OpenFlags.O_DIRECTORY;
    return new State(file.body(key), flags, file.info().pos(), FileLock.of(file),
        Optional.of(file.id()).filter(_ -> (flags & OpenFlags.O_NOFOLLOW) != 0
            || (file.info().flags() & OpenFlags.TMPFILE_BIT) != 0));
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return Set.of(state.body());
  }

  /// `/proc/self/fd/N` is a link; where the body has no name to open it by, O_NOFOLLOW is left away.
  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.OPENAT, "description of deleted file " + state.body(), Arg.imm(Open.AT_FDCWD),
        Arg.path(refs.path(state.body())), Arg.imm(state.flags() & ~OpenFlags.O_NOFOLLOW),
        Arg.imm(0));
    state.self().flatMap(refs::noted).ifPresent(kept -> {
      script.callTolerating(NO_SUCH_FD, Nr.DUP3, "rather the one kept for it", Arg.result(kept), Arg.result(fd),
          Arg.imm(Open.O_CLOEXEC));
      script.callTolerating(NO_SUCH_FD, Nr.CLOSE, "kept as the other", Arg.result(kept));
      OpenFlags.set(state.flags(), Arg.result(fd), script);
    });
    if (state.positionBytes() != 0) {
      script.callExpecting(state.positionBytes(), Nr.LSEEK, "its position", Arg.result(fd),
          Arg.imm(state.positionBytes()), Arg.imm(SEEK_SET));
    }
    return fd;
  }

  @Override
  public void connect(State state, Fd self, Script script, Refs refs) {
    FileLock.takeShared(state.locks(), self, state.flags(), script);
  }

  @Override
  public void connectOwn(State state, Fd self, Script script, Refs refs) {
    FileLock.takeOwn(state.locks(), self, state.flags(), script);
  }
}
