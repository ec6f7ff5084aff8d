package stasis.kinds.file.path;

import java.lang.invoke.MethodHandles;
import java.util.List;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.NamedFile;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FdInfo;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Host;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A place in the file tree held open without opening what is there (O_PATH of open(2)), a symlink itself included.
public final class PathOnly implements FileKind<PathOnly.State> {
  /// @param flags of open(2) @param type S_IF bits of what is there
  record State(@Tag(1) PathBytes path, @Tag(2) int flags, @Tag(3) int type) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.path", 1);

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
    if (file.facts().links() == 0 || !NamedFile.leadsTo(file)) {
      throw new ObstructedException(file.subject(), "an O_PATH descriptor whose path does not lead to it any more"
          + " cannot be carried", "let the program close it before the checkpoint");
    }
    return new State(PathBytes.of(file.link()), file.info().flags() & ~FdInfo.O_CLOEXEC, file.facts().type());
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return host.file(state.path()).filter(now -> now.type() == state.type()).isPresent() ? List.of()
        : List.of(new Obstacle.Changed("path " + state.path(), "what was there", "nothing, or another type of file",
            "put it back"));
  }

  /// The path holds no symlinks but perhaps at its end, where the flags have O_NOFOLLOW.
  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    return script.call(Nr.OPENAT, "hold " + state.path(), Arg.imm(Open.AT_FDCWD), Arg.path(state.path()),
        Arg.imm(state.flags()), Arg.imm(0));
  }
}
