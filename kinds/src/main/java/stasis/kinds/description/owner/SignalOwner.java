package stasis.kinds.description.owner;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.FdInfo;
import stasis.procfs.Status;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.DescriptionAspect;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Refs;
import stasis.resource.Script;

/// Whom the kernel sends a signal when something happens to an open file, and which (F_SETOWN_EX, F_SETSIG and O_ASYNC
/// of fcntl(2)).
public final class SignalOwner implements DescriptionAspect<SignalOwner.State> {
  /// @param owner empty when nobody is told yet @param signal 0 for the ordinary one @param flags of the description,
  ///     O_ASYNC among them when it tells
  record State(@Tag(1) Optional<Owner> owner, @Tag(2) int signal, @Tag(3) int flags) {}

  /// @param sort of F_SETOWN_EX: thread, process or process group @param pid its number, which it has again
  /// @param uid and @param euid of who set it: what it may be sent by (F_GETOWNER_UIDS; fs/fcntl.c, sigio_perm())
  record Owner(@Tag(1) int sort, @Tag(2) int pid, @Tag(3) int uid, @Tag(4) int euid) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "description.owner", 1);
  private static final int F_SETFL = 4;
  private static final int F_SETSIG = 10;
  private static final int F_GETSIG = 11;
  private static final int F_SETOWN_EX = 15;
  private static final int F_GETOWN_EX = 16;
  private static final int F_GETOWNER_UIDS = 17;
  private static final int PAIR_BYTES = 8;
  private static final long KEEP = -1;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(OpenFile file) throws ObstructedException {
    Answer owner = file.ask(Nr.FCNTL, Arg.self(), Arg.imm(F_GETOWN_EX), Arg.space(PAIR_BYTES));
    if (owner.failed()) {
      // O_PATH, or no copy of it: the kind has said so where it matters.
      return Optional.empty();
    }
    int pid = owner.output(2).u32(4);
    int signal = (int) Math.max(0, file.ask(Nr.FCNTL, Arg.self(), Arg.imm(F_GETSIG)).result());
    boolean tells = (file.info().flags() & OpenFlags.O_ASYNC) != 0;
    if (pid == 0 && signal == 0 && !tells) {
      return Optional.empty();
    }
    return Optional.of(new State(pid == 0 ? Optional.empty() : Optional.of(owner(file, owner.output(2).u32(0), pid)),
        signal, file.info().flags() & ~FdInfo.O_CLOEXEC));
  }

  private static Owner owner(OpenFile file, int sort, int pid) throws ObstructedException {
    if (file.taskInTree(pid).isEmpty()) {
      throw new ObstructedException(file.subject(), "its signals go to " + pid + ", which is outside the tree or a"
          + " process group without its leader", "let the program take the owner off it (F_SETOWN)");
    }
    Answer uids = file.ask(Nr.FCNTL, Arg.self(), Arg.imm(F_GETOWNER_UIDS), Arg.space(PAIR_BYTES));
    if (uids.failed()) {
      throw new ObstructedException(file.subject(), "who set the owner of its signals cannot be read",
          "use a kernel with CONFIG_CHECKPOINT_RESTORE");
    }
    return new Owner(sort, pid, uids.output(2).u32(0), uids.output(2).u32(4));
  }

  /// The kernel notes who sets an owner, so that is done as who it was. Signals of what happens to the file from here
  /// on are those it would have sent.
  @Override
  public void restore(State state, Fd self, Script script, Refs refs) {
    Arg file = Arg.imm(self.value());
    state.owner().ifPresent(owner -> own(owner, file, script, refs));
    if (state.signal() != 0) {
      script.call(Nr.FCNTL, "which signal it sends", file, Arg.imm(F_SETSIG), Arg.imm(state.signal()));
    }
    if ((state.flags() & OpenFlags.O_ASYNC) != 0) {
      script.call(Nr.FCNTL, "it sends signals", file, Arg.imm(F_SETFL), Arg.imm(state.flags()));
    }
  }

  private static void own(Owner owner, Arg file, Script script, Refs refs) {
    Status.Ids own = refs.host().restorer().map(Status::uid)
        .orElse(new Status.Ids(0, 0, 0, 0));
    boolean other = own.real() != Integer.toUnsignedLong(owner.uid())
        || own.effective() != Integer.toUnsignedLong(owner.euid());
    if (other) {
      script.call(Nr.SETRESUID, "as who set its owner", Arg.imm(owner.uid()), Arg.imm(owner.euid()), Arg.imm(KEEP));
    }
    script.call(Nr.FCNTL, "whom it sends signals", file, Arg.imm(F_SETOWN_EX),
        Arg.data(Bytes.ofU32(owner.sort(), owner.pid())));
    if (other) {
      script.call(Nr.SETRESUID, "as before", Arg.imm(own.real()), Arg.imm(own.effective()), Arg.imm(own.saved()));
    }
  }
}
