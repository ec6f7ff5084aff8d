package stasis.kinds.file.pipe;

import java.lang.invoke.MethodHandles;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.file.Readiness;
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

/// An end of a pipe that lies wholly inside the tree: both ends are held there and nowhere else, or the other end is
/// closed for good. The pipe itself is a body.
public final class Pipe implements FileKind<Pipe.State> {
  /// @param flags access mode, O_NONBLOCK, O_DIRECT of pipe2(2)
  record State(@Tag(1) ObjectId body, @Tag(2) int flags) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.pipe", 1);
  private static final int F_SETFL = 4;
  /// What the pipe itself notes them as.
  private static final String READ_END = "read end";
  private static final String WRITE_END = "write end";

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.facts().type() == FileStat.S_IFIFO && file.link().startsWith("pipe:")
        && (file.info().flags() & OpenFlags.O_PATH) == 0 && hasBothEnds(file) && !file.isHeldElsewhere();
  }

  private static boolean hasBothEnds(OpenFile file) {
    boolean readers = file.onSameInode().stream().anyMatch(other -> OpenFlags.isReadable(other.info().flags()));
    boolean writers = file.onSameInode().stream().anyMatch(other -> OpenFlags.isWritable(other.info().flags()));
    return readers && writers || (Readiness.of(file) & (Readiness.HUNG_UP | Readiness.ERROR)) != 0;
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    BodyKey key = new BodyKey("body.pipe", file.facts().device().stat(), file.facts().inode());
    return new State(file.body(key), OpenFlags.of(file));
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return Set.of(state.body());
  }

  /// The two that pipe2(2) made lack O_LARGEFILE, which open(2) always adds. Opening an unnamed pipe through /proc gives
  /// a description of its own and waits for nobody (fs/pipe.c, fifo_open()).
  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    if ((state.flags() & OpenFlags.O_LARGEFILE) != 0) {
      return script.call(Nr.OPENAT, "end of pipe " + state.body(), Arg.imm(Open.AT_FDCWD),
          Arg.path(refs.path(state.body())), Arg.imm(state.flags()), Arg.imm(0));
    }
    String end = OpenFlags.isReadable(state.flags()) ? READ_END : WRITE_END;
    Ref<Fd> fd = script.call(Nr.DUP, end + " of pipe " + state.body(), Arg.result(refs.noted(state.body(), end)));
    script.call(Nr.FCNTL, "its status flags", Arg.result(fd), Arg.imm(F_SETFL), Arg.imm(state.flags()));
    return fd;
  }
}
