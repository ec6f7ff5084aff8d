package stasis.kinds.file.memfd;

import java.lang.invoke.MethodHandles;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.procfs.FdInfo;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.FileKind;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// An open description of a memfd: its access mode, flags and offset. The memfd itself is a body.
public final class Memfd implements FileKind<Memfd.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.memfd", 2);
  private static final int SEEK_SET = 0;
  private static final int O_RDWR = 2;
  /// What F_SETFL can give a description that was made without.
  private static final int SETTABLE = OpenFlags.O_APPEND | OpenFlags.O_NONBLOCK | OpenFlags.O_LARGEFILE;

  /// @param flags access mode and status flags of open(2), without O_CLOEXEC and O_ASYNC
  /// @param first the one that memfd_create(2) made, or as good: it alone does not count as open for writing, so the
  ///     memfd can be executed (mm/shmem.c, __shmem_file_setup())
  record State(@Tag(1) ObjectId body, @Tag(2) int flags, @Tag(3) long offset, @Tag(4) boolean first) {
    State {
      if (offset < 0) {
        throw new IllegalArgumentException("offset must be >= 0, was " + offset);
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.link().startsWith("/memfd:") && file.link().endsWith(" (deleted)")
        && file.facts().type() == FileStat.S_IFREG && file.facts().links() == 0;
  }

  @Override
  public State checkpoint(OpenFile file) {
    BodyKey key = new BodyKey("body.memfd", file.facts().device().stat(), file.facts().inode());
    boolean first = file.onSameInode().stream().filter(other -> isPlain(flags(other))).findFirst()
        .filter(other -> other.id().equals(file.id())).isPresent();
    return new State(file.body(key), flags(file), file.info().pos(), first);
  }

  private static int flags(OpenFile file) {
    return file.info().flags() & ~(FdInfo.O_CLOEXEC | OpenFlags.O_ASYNC);
  }

  private static boolean isPlain(int flags) {
    return (flags & ~SETTABLE) == O_RDWR;
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return Set.of(state.body());
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd;
    if (state.first()) {
      fd = script.call(Nr.DUP, "first description of memfd " + state.body(), Arg.result(refs.fd(state.body())));
      if ((state.flags() & (OpenFlags.O_APPEND | OpenFlags.O_NONBLOCK)) != 0) {
        OpenFlags.set(state.flags(), Arg.result(fd), script);
      }
    } else {
      fd = script.call(Nr.OPENAT, "description of memfd " + state.body(), Arg.imm(Open.AT_FDCWD),
          Arg.path(refs.path(state.body())), Arg.imm(state.flags()));
    }
    if (state.offset() != 0 || state.first()) {
      script.callExpecting(state.offset(), Nr.LSEEK, "its offset", Arg.result(fd), Arg.imm(state.offset()),
          Arg.imm(SEEK_SET));
    }
    return fd;
  }
}
