package stasis.kinds.file.fifo;

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

/// A FIFO (fifo(7)) that nobody outside the tree has open, from either end. What is in it is a body.
public final class Fifo implements FileKind<Fifo.State> {
  /// @param flags of open(2) @param hungUp whether poll(2) tells a reader that the last writer has left, which it does
  ///     not before there was one
  record State(@Tag(1) ObjectId body, @Tag(2) int flags, @Tag(3) boolean hungUp) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.fifo", 1);

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.facts().type() == FileStat.S_IFIFO && file.link().startsWith("/")
        && (file.info().flags() & OpenFlags.O_PATH) == 0 && !file.isHeldElsewhere();
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    BodyKey key = new BodyKey("body.fifo", file.facts().device().stat(), file.facts().inode());
    int flags = OpenFlags.of(file);
    if ((flags & OpenFlags.O_NOFOLLOW) != 0) {
      throw new ObstructedException(file.subject(), "a FIFO opened with O_NOFOLLOW cannot be carried",
          "let the program open it without");
    }
    return new State(file.body(key), flags, (Readiness.of(file) & Readiness.HUNG_UP) != 0);
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return Set.of(state.body());
  }

  /// An open with O_NONBLOCK waits for nobody, and a writer finds the reader that the body keeps. A reader that finds
  /// no writer notes how many there have been; when that number moves on it has been hung up on (fs/pipe.c,
  /// fifo_open(), pipe_poll()).
  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.OPENAT, "end of FIFO " + state.body(), Arg.imm(Open.AT_FDCWD),
        Arg.path(refs.path(state.body())), Arg.imm(state.flags() | OpenFlags.O_NONBLOCK), Arg.imm(0));
    if (state.hungUp()) {
      Ref<Fd> writer = script.call(Nr.OPENAT, "a writer for a moment", Arg.imm(Open.AT_FDCWD),
          Arg.path(refs.path(state.body())), Arg.imm(OpenFlags.O_WRONLY | OpenFlags.O_NONBLOCK | Open.O_CLOEXEC),
          Arg.imm(0));
      script.call(Nr.CLOSE, "it leaves", Arg.result(writer));
    }
    if ((state.flags() & OpenFlags.O_NONBLOCK) == 0) {
      OpenFlags.set(state.flags(), Arg.result(fd), script);
    }
    return fd;
  }
}
