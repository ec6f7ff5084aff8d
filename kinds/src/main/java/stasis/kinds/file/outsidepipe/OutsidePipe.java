package stasis.kinds.file.outsidepipe;

import java.lang.invoke.MethodHandles;
import java.util.List;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.Outside;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Loss;
import stasis.resource.OpenFile;
import stasis.resource.Provable;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// An end of a pipe whose other end is outside the tree, where its user would have it lead elsewhere
/// (`--external-pipe`).
public final class OutsidePipe implements FileKind<OutsidePipe.State> {
  /// @param what it was, as the link reads @param who had the other end @param flags of open(2)
  /// @param inherit it becomes the restorer's standard input or output; else /dev/null
  /// @param unreadBytes that waited in it
  record State(@Tag(1) String what, @Tag(2) String who, @Tag(3) int flags, @Tag(4) boolean inherit,
      @Tag(5) int unreadBytes) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.outsidepipe", 1);
  private static final int FIONREAD = 0x541b;
  private static final String NOWHERE = "/dev/null";

  private final Outside.Pipes policy;

  public OutsidePipe(Outside.Pipes policy) {
    this.policy = policy;
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  /// With both ends in the tree and somebody outside besides, neither can lead elsewhere.
  @Override
  public boolean recognises(OpenFile file) {
    return policy != Outside.Pipes.REFUSE && file.facts().type() == FileStat.S_IFIFO
        && file.link().startsWith("pipe:") && (file.info().flags() & OpenFlags.O_PATH) == 0
        && file.onSameInode().stream().map(other -> OpenFlags.isReadable(other.info().flags())).distinct().count() < 2;
  }

  @Override
  public State checkpoint(OpenFile file) {
    int flags = OpenFlags.of(file);
    Answer unread = file.ask(Nr.IOCTL, Arg.self(), Arg.imm(FIONREAD), Arg.space(4));
    return new State(file.link(), file.holderOutside(file.link()).orElse("a task outside"), flags,
        policy == Outside.Pipes.INHERIT,
        OpenFlags.isReadable(flags) && !unread.failed() ? unread.output(2).u32(0) : 0);
  }

  @Override
  public List<Loss> losses(State state) {
    boolean reads = OpenFlags.isReadable(state.flags());
    return List.of(Loss.of("the other end is held by " + state.who() + " outside the tree: it becomes "
        + (!state.inherit() ? NOWHERE : reads ? "the restorer's standard input" : "the restorer's standard output")
        + (state.unreadBytes() == 0 ? "" : ", and the " + state.unreadBytes() + " bytes that waited in it are lost")));
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    if (state.inherit()) {
      int number = OpenFlags.isReadable(state.flags()) ? 0 : 1;
      return script.call(Nr.DUP, "the restorer's own for " + state.what(), Arg.imm(refs.stdio(number).value()));
    }
    return script.call(Nr.OPENAT, "nothing for " + state.what(), Arg.imm(Open.AT_FDCWD), Arg.string(NOWHERE),
        Arg.imm(state.flags() & (OpenFlags.O_ACCMODE | OpenFlags.O_NONBLOCK | OpenFlags.O_APPEND)), Arg.imm(0));
  }
  @Override
  public Provable<State> provable(State state) {
    return new Provable.Unseen<>("it leads out of the program; the copy has /dev/null there");
  }
}
