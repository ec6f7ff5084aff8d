package stasis.kinds.file.signalfd;

import java.lang.invoke.MethodHandles;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SigSet;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A signalfd(2): the signals it reports. What is pending belongs to the tasks.
public final class SignalFd implements FileKind<SignalFd.State> {
  /// @param mask `sigmask:` of fdinfo (fs/signalfd.c, signalfd_show_fdinfo())
  record State(@Tag(1) SigSet mask, @Tag(2) int flags) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.signalfd", 1);
  private static final int SIGSET_BYTES = 8;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.link().equals("anon_inode:[signalfd]");
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    return new State(new SigSet(file.info().hex("sigmask")), OpenFlags.of(file));
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.SIGNALFD4, "signalfd", Arg.imm(-1), Arg.data(Bytes.ofU64(state.mask().bits())),
        Arg.imm(SIGSET_BYTES), Arg.imm(state.flags() & OpenFlags.O_NONBLOCK));
    OpenFlags.complete(state.flags(), fd, script);
    return fd;
  }
}
