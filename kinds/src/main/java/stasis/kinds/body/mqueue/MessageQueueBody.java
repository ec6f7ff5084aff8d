package stasis.kinds.body.mqueue;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.FileOwner;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.ipc.IpcSpace;
import stasis.kinds.ipc.PosixQueue;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKind;
import stasis.resource.BodyView;
import stasis.resource.HiddenMessage;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.SeenQueue;

/// A POSIX message queue (mq_overview(7)): name, room, owner, mode, and what waits in it. One with a name outlives the
/// program: if it is still there at the restore it stays as it is, else it is made again, with its messages. One that
/// was unlinked is made, filled and unlinked again. What waits is read in the kernel's memory, for mq_receive(3) would
/// take it away.
public final class MessageQueueBody implements BodyKind<MessageQueueBody.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.mqueue", 1);
  private static final String DELETED = " (deleted)";

  /// @param access to one with a name that is there: what the program may @param unlinked nobody finds it by its name
  ///     any more @param renamed another one of the tree has that name @param apart in an IPC namespace that comes back
  ///     empty @param opened each description of one that was unlinked
  record State(@Tag(1) PosixQueue queue, @Tag(2) int access, @Tag(3) boolean unlinked, @Tag(4) boolean renamed,
      @Tag(5) boolean apart, @Tag(6) List<Opened> opened) {
    State {
      opened = List.copyOf(opened);
    }
  }

  /// A description, made while it has a name: any other way to open it would add O_LARGEFILE.
  record Opened(@Tag(1) ObjectId file, @Tag(2) int flags) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public State checkpoint(BodyView body) throws ObstructedException {
    OpenFile file = body.files().getFirst();
    boolean unlinked = file.facts().links() == 0;
    boolean apart = IpcSpace.isApart(file.task().group());
    PosixQueue queue = queue(file, unlinked);
    if (unlinked) {
      refuseUnseen(file, queue);
    } else if (apart) {
      refuseForeign(file);
    }
    boolean renamed = unlinked && (file.tree().stream().anyMatch(other -> other.link().equals("/" + queue.name())
        && other.filesystemMagic() == file.filesystemMagic()) || apart && file.task().group().messageQueues()
        .orElse(List.of()).stream().anyMatch(other -> other.name().equals(queue.name())));
    return new State(queue, OpenFlags.of(file) & OpenFlags.O_ACCMODE, unlinked, renamed, apart, unlinked
        ? body.files().stream().map(each -> new Opened(each.id(), OpenFlags.of(each))).toList() : List.of());
  }

  private static PosixQueue queue(OpenFile file, boolean unlinked) throws ObstructedException {
    Answer attributes = file.ask(Nr.MQ_GETSETATTR, Arg.self(), Arg.imm(0), Arg.space(PosixQueue.ATTRIBUTES_BYTES));
    if (attributes.failed()) {
      throw new ObstructedException(file.subject(), "the room of this POSIX message queue cannot be read", "");
    }
    Bytes room = attributes.output(2);
    long count = room.u64(PosixQueue.COUNT_AT);
    Optional<List<HiddenMessage>> found = count == 0 ? Optional.of(List.of())
        : file.hiddenMessages().filter(all -> all.size() == count);
    String link = file.link();
    FileOwner owner = FileOwner.of(file);
    return new PosixQueue(link.substring(1, unlinked ? link.length() - DELETED.length() : link.length()),
        room.u64(PosixQueue.MOST_AT), room.u64(PosixQueue.SIZE_AT), file.facts().mode() & PosixQueue.PERMISSIONS,
        owner.uid(), owner.gid(), found.isPresent(), PosixQueue.messages(found));
  }

  private static void refuseUnseen(OpenFile file, PosixQueue queue) throws ObstructedException {
    if (!queue.seen()) {
      throw new ObstructedException(file.subject(), "this POSIX message queue was unlinked and ends with the program, and"
          + " what waits in it cannot be looked at without taking it away",
          "run with CAP_BPF and CAP_PERFMON, or let the program receive it before the checkpoint");
    }
    Optional<String> outside = file.holderOutside(file.link());
    if (outside.isPresent()) {
      throw new ObstructedException(file.subject(), "this POSIX message queue was unlinked, and " + outside.get()
          + " outside the tree has it open too", "checkpoint them together");
    }
  }

  /// It may have been opened before its process went to another namespace.
  private static void refuseForeign(OpenFile file) throws ObstructedException {
    List<SeenQueue> all = file.task().group().messageQueues().orElse(List.of());
    if (all.stream().noneMatch(seen -> seen.inode() == file.facts().inode()
        && seen.device() == file.facts().device().stat())) {
      throw new ObstructedException(file.subject(), "this POSIX message queue is in another IPC namespace than the"
          + " program", "let the program close it before the checkpoint");
    }
  }

  private static boolean isThere(State state, Host host) {
    return !state.unlinked() && !state.apart() && host.hasMessageQueue(state.queue().name());
  }

  private static boolean isRenamed(State state, Host host) {
    return state.renamed() || state.unlinked() && !state.apart() && host.hasMessageQueue(state.queue().name());
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    var losses = new ArrayList<Loss>();
    if (isThere(state, host)) {
      return losses;
    }
    losses.add(Loss.of("message queue /" + state.queue().name() + " is made again: its times begin anew, and its bytes"
        + " count as the restorer's (RLIMIT_MSGQUEUE)"));
    if (isRenamed(state, host)) {
      losses.add(Loss.of("the name it had before it was unlinked is another queue's now, and shown no more"));
    }
    return losses;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return state.queue().seen() || isThere(state, host) ? List.of()
        : List.of(new Obstacle.HostLacks("message queue /" + state.queue().name(), "it is gone, and what waited in it"
            + " is not in the image", "run the checkpoint with CAP_BPF and CAP_PERFMON"));
  }

  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    PosixQueue queue = state.queue();
    if (isThere(state, refs.host())) {
      return script.call(Nr.MQ_OPEN, "message queue /" + queue.name() + ", which is where it was",
          Arg.string(queue.name()), Arg.imm(state.access() | OpenFlags.O_NONBLOCK | Open.O_CLOEXEC), Arg.imm(0),
          Arg.imm(0));
    }
    String name = isRenamed(state, refs.host()) ? "stasis." + refs.pidOf(script.task()) + "." + self.value()
        : queue.name();
    Ref<?> fd = queue.make(name, "message queue " + self, script);
    for (Opened each : state.opened()) {
      refs.note(each.file(), script.call(Nr.MQ_OPEN, "the same for " + each.file(), Arg.string(name),
          Arg.imm(each.flags() & (OpenFlags.O_ACCMODE | OpenFlags.O_NONBLOCK)), Arg.imm(0), Arg.imm(0)));
    }
    if (state.unlinked()) {
      script.call(Nr.MQ_UNLINK, "unlinked, as it was", Arg.string(name));
    }
    return fd;
  }

  /// Every description of it is open by then.
  @Override
  public void finish(State state, ObjectId self, Script script, Refs refs) {
    if (!isThere(state, refs.host())) {
      state.queue().give(refs.fd(self), script);
    }
  }
}
