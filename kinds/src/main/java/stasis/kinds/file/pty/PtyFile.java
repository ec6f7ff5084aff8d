package stasis.kinds.file.pty;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.NamedFile;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.file.Ptys;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// An end of a pseudoterminal whose master is in the tree, or a slave whose master was closed. The pair is a body.
public final class PtyFile implements FileKind<PtyFile.State> {
  /// Which end.
  enum Side {
    MASTER,
    SLAVE,
    /// `/dev/tty` of a process whose controlling terminal it is.
    CONTROLLING,
    /// `/dev/tty` that a process of another session has.
    INHERITED
  }

  /// @param number of the pair @param path it was opened by, before it was gone @param flags of open(2)
  record State(@Tag(1) ObjectId body, @Tag(2) int number, @Tag(3) Side side, @Tag(4) PathBytes path,
      @Tag(5) int flags) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.pty", 1);
  private static final int F_SETFL = 4;
  private static final int O_NOCTTY = 0400;
  private static final int TIOCGPTPEER = 0x5441;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return Ptys.ofMaster(file).isPresent()
        || Ptys.ofSlave(file).filter(number -> isGone(file) || Ptys.isInside(file.tree(), number)).isPresent()
        || Ptys.ofControlling(file).filter(number -> Ptys.isInside(file.tree(), number)).isPresent();
  }

  /// A slave loses its name when its master is closed (fs/devpts/inode.c, devpts_pty_kill()).
  private static boolean isGone(OpenFile file) {
    return NamedFile.isDeleted(file);
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    int flags = OpenFlags.of(file);
    Optional<Integer> master = Ptys.ofMaster(file);
    if (master.isPresent()) {
      return new State(file.body(Ptys.BODY), master.get(), Side.MASTER, PathBytes.of(file.link()), flags);
    }
    Optional<Integer> slave = Ptys.ofSlave(file);
    if (slave.isPresent()) {
      PathBytes path = isGone(file) ? NamedFile.formerPath(file.link()) : PathBytes.of(file.link());
      return new State(file.body(Ptys.BODY), slave.get(), Side.SLAVE, path, flags);
    }
    int number = Ptys.ofControlling(file).orElseThrow();
    boolean own = Ptys.of(file.task().stat().tty()).equals(Optional.of(number));
    return new State(file.body(Ptys.BODY), number, own ? Side.CONTROLLING : Side.INHERITED,
        PathBytes.of(file.link()), flags);
  }

  @Override
  public List<Loss> losses(State state) {
    return state.side() == Side.INHERITED ? List.of(Loss.of("/dev/tty of another session is opened again as /dev/pts/"
        + state.number() + ", which it is")) : List.of();
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return Set.of(state.body());
  }

  @Override
  public boolean isLate(State state) {
    return state.side() == Side.CONTROLLING;
  }

  /// A slave without O_LARGEFILE, which open(2) always adds, was had from its master (openpty(3)).
  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    if (state.side() == Side.MASTER) {
      return script.call(Nr.DUP, "master of pseudoterminal " + state.number(), Arg.result(master(state, refs)));
    }
    if (state.side() == Side.SLAVE && (state.flags() & OpenFlags.O_LARGEFILE) == 0) {
      return script.call(Nr.IOCTL, "slave of pseudoterminal " + state.number(), Arg.result(master(state, refs)),
          Arg.imm(TIOCGPTPEER), Arg.imm(state.flags() | O_NOCTTY));
    }
    PathBytes path = state.side() == Side.INHERITED ? PathBytes.of("/dev/pts/" + state.number()) : state.path();
    return script.call(Nr.OPENAT, "terminal " + path, Arg.imm(Open.AT_FDCWD), Arg.path(path),
        Arg.imm(state.flags() | O_NOCTTY), Arg.imm(0));
  }

  private static Ref<?> master(State state, Refs refs) {
    return refs.noted(state.body(), "master " + state.number());
  }

  @Override
  public void connect(State state, Fd self, Script script, Refs refs) {
    if (state.side() == Side.MASTER && (state.flags() & OpenFlags.O_NONBLOCK) != 0) {
      script.call(Nr.FCNTL, "its status flags", Arg.imm(self.value()), Arg.imm(F_SETFL), Arg.imm(state.flags()));
    }
  }
}
