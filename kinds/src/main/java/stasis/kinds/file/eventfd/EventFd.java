package stasis.kinds.file.eventfd;

import java.lang.invoke.MethodHandles;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// An eventfd(2): its counter and whether it is a semaphore.
public final class EventFd implements FileKind<EventFd.State> {
  /// @param count unsigned
  record State(@Tag(1) long count, @Tag(2) boolean semaphore, @Tag(3) int flags) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.eventfd", 1);
  private static final int EFD_SEMAPHORE = 1;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.link().equals("anon_inode:[eventfd]");
  }

  /// Fields of fdinfo: fs/eventfd.c, eventfd_show_fdinfo().
  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    return new State(file.info().hex("eventfd-count"), isSemaphore(file), OpenFlags.of(file));
  }

  /// Told since Linux 6.5.
  private static boolean isSemaphore(OpenFile file) throws ObstructedException {
    if (file.info().fields().has("eventfd-semaphore")) {
      return file.info().decimal("eventfd-semaphore") != 0;
    }
    int flags = file.hiddenEventfdFlags().orElseThrow(() -> new ObstructedException(file.subject(),
        "an eventfd of which this kernel does not tell whether it is a semaphore",
        "run with CAP_BPF and CAP_PERFMON, or use Linux 6.5"));
    return (flags & EFD_SEMAPHORE) != 0;
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.EVENTFD2, "eventfd", Arg.imm(0),
        Arg.imm(state.flags() & OpenFlags.O_NONBLOCK | (state.semaphore() ? EFD_SEMAPHORE : 0)));
    OpenFlags.complete(state.flags(), fd, script);
    if (state.count() != 0) {
      script.callExpecting(8, Nr.WRITE, "its count " + Long.toUnsignedString(state.count()), Arg.result(fd),
          Arg.data(Bytes.ofU64(state.count())), Arg.imm(8));
    }
    return fd;
  }
}
