package stasis.kinds.file.path;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.FileOwner;
import stasis.kinds.file.NamedFile;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FdInfo;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A place in the file tree held open without opening what is there (O_PATH of open(2)), a symlink itself included.
public final class PathOnly implements FileKind<PathOnly.State> {
  /// @param flags of open(2) @param type S_IF bits of what is there @param gone a symlink that was deleted
  record State(@Tag(1) PathBytes path, @Tag(2) int flags, @Tag(3) int type, @Tag(4) Optional<Gone> gone) {}

  /// @param target what it says
  record Gone(@Tag(1) PathBytes target, @Tag(2) int uid, @Tag(3) int gid) {}

  private static final int MAX_PATH_BYTES = 4096;
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.path", 2);

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return (file.info().flags() & OpenFlags.O_PATH) != 0 && file.link().startsWith("/");
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    if (file.facts().links() == 0 && file.facts().type() == FileStat.S_IFLNK) {
      return new State(NamedFile.formerPath(file.link()), file.info().flags() & ~FdInfo.O_CLOEXEC, FileStat.S_IFLNK,
          Optional.of(gone(file)));
    }
    if (file.facts().links() == 0 || !NamedFile.leadsTo(file)) {
      throw new ObstructedException(file.subject(), "an O_PATH descriptor whose path does not lead to it any more"
          + " cannot be carried", "let the program close it before the checkpoint");
    }
    return new State(PathBytes.of(file.link()), file.info().flags() & ~FdInfo.O_CLOEXEC, file.facts().type(),
        Optional.empty());
  }

  private static Gone gone(OpenFile file) throws ObstructedException {
    if (file.onSameInode().size() > 1) {
      throw new ObstructedException(file.subject(), "a deleted symlink that is held twice cannot be carried",
          "let the program close one before the checkpoint");
    }
    Answer target = file.ask(Nr.READLINKAT, Arg.self(), Arg.string(""), Arg.space(MAX_PATH_BYTES),
        Arg.imm(MAX_PATH_BYTES));
    if (target.failed()) {
      throw new ObstructedException(file.subject(), "what the deleted symlink says cannot be read",
          "run with CAP_SYS_PTRACE");
    }
    FileOwner owner = FileOwner.of(file);
    return new Gone(new PathBytes(target.output(2).slice(0, (int) target.result())), owner.uid(), owner.gid());
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    return state.gone().isEmpty() || isFree(state, host) ? List.of() : List.of(Loss.of("its name " + state.path()
        + " is taken, or its directory is gone; its link then reads another name"));
  }

  private static boolean isFree(State state, Host host) {
    String path = state.path().latin1();
    return host.file(state.path()).isEmpty()
        && host.file(PathBytes.of(path.substring(0, Math.max(1, path.lastIndexOf('/'))))).isPresent();
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return state.gone().isPresent()
        || host.file(state.path()).filter(now -> now.type() == state.type()).isPresent() ? List.of()
        : List.of(new Obstacle.Changed("path " + state.path(), "what was there", "nothing, or another type of file",
            "put it back"));
  }

  /// The path holds no symlinks but perhaps at its end, where the flags have O_NOFOLLOW.
  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    if (state.gone().isPresent()) {
      return deleted(state, state.gone().get(), script, refs);
    }
    return script.call(Nr.OPENAT, "hold " + state.path(), Arg.imm(Open.AT_FDCWD), Arg.path(state.path()),
        Arg.imm(state.flags()), Arg.imm(0));
  }

  private static Ref<Fd> deleted(State state, Gone gone, Script script, Refs refs) {
    PathBytes path = isFree(state, refs.host()) ? state.path() : PathBytes.of("/tmp/.stasis-link-"
        + refs.pidOf(script.task()));
    script.call(Nr.SYMLINKAT, "deleted symlink " + state.path(), Arg.path(gone.target()), Arg.imm(Open.AT_FDCWD),
        Arg.path(path));
    Ref<Fd> fd = script.call(Nr.OPENAT, "hold it", Arg.imm(Open.AT_FDCWD), Arg.path(path), Arg.imm(state.flags()),
        Arg.imm(0));
    script.call(Nr.FCHOWNAT, "its owner", Arg.result(fd), Arg.string(""), Arg.imm(gone.uid()), Arg.imm(gone.gid()),
        Arg.imm(Open.AT_EMPTY_PATH));
    script.call(Nr.UNLINKAT, "deleted again", Arg.imm(Open.AT_FDCWD), Arg.path(path), Arg.imm(0));
    return fd;
  }
}
