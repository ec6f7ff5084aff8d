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

/// A POSIX message queue (mq_overview(7)): name, room, owner, mode, and what waits in it. One with a name outlives the
/// program: if it is still there at the restore it stays as it is, else it is made again, with its messages. One that
/// was unlinked is made, filled and unlinked again. What waits is read in the kernel's memory, for mq_receive(3) would
/// take it away.
public final class MessageQueueBody implements BodyKind<MessageQueueBody.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "body.mqueue", 1);
  private static final String DELETED = " (deleted)";
  /// struct mq_attr: flags, most messages, most bytes of one, messages now; four more words.
  private static final int ATTRIBUTES_BYTES = 64;
  private static final int MOST_AT = 8;
  private static final int SIZE_AT = 16;
  private static final int COUNT_AT = 24;
  private static final int PERMISSIONS = 0777;
  private static final int OWNER_READS_AND_WRITES = 0600;

  /// @param name without the slash @param access to it while it is made: O_RDWR, or what the program may
  /// @param unlinked nobody finds it by its name any more @param renamed another one of the tree has that name
  /// @param most messages @param messageBytes most of one @param seen whether `messages` are all that wait
  /// @param apart in an IPC namespace that comes back empty @param opened each description of one that was unlinked
  record State(@Tag(1) String name, @Tag(2) int access, @Tag(3) boolean unlinked, @Tag(4) boolean renamed,
      @Tag(5) long most, @Tag(6) long messageBytes, @Tag(7) int mode, @Tag(8) int uid, @Tag(9) int gid,
      @Tag(10) boolean seen, @Tag(11) List<Message> messages, @Tag(12) boolean apart,
      @Tag(13) List<Opened> opened) {
    State {
      messages = List.copyOf(messages);
      opened = List.copyOf(opened);
      if (name.isEmpty() || name.indexOf('/') >= 0 || (mode & ~PERMISSIONS) != 0 || most < messages.size()) {
        throw new IllegalArgumentException("no message queue is called '" + name + "' with mode " + mode + " and room"
            + " for " + most);
      }
    }
  }

  record Message(@Tag(1) int priority, @Tag(2) Bytes text) {}

  /// A description, made while it has a name: any other way to open it would add O_LARGEFILE.
  record Opened(@Tag(1) ObjectId file, @Tag(2) int flags) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public State checkpoint(BodyView body) throws ObstructedException {
    OpenFile file = body.files().getFirst();
    Answer attributes = file.ask(Nr.MQ_GETSETATTR, Arg.self(), Arg.imm(0), Arg.space(ATTRIBUTES_BYTES));
    if (attributes.failed()) {
      throw new ObstructedException(file.subject(), "the room of this POSIX message queue cannot be read", "");
    }
    Bytes room = attributes.output(2);
    long count = room.u64(COUNT_AT);
    boolean unlinked = file.facts().links() == 0;
    Optional<List<HiddenMessage>> found = count == 0 ? Optional.of(List.of())
        : file.hiddenMessages().filter(all -> all.size() == count);
    if (unlinked && found.isEmpty()) {
      throw new ObstructedException(file.subject(), "this POSIX message queue was unlinked and ends with the program, and"
          + " what waits in it cannot be looked at without taking it away",
          "run with CAP_BPF and CAP_PERFMON, or let the program receive it before the checkpoint");
    }
    Optional<String> outside = unlinked ? file.holderOutside(file.link()) : Optional.empty();
    if (outside.isPresent()) {
      throw new ObstructedException(file.subject(), "this POSIX message queue was unlinked, and " + outside.get()
          + " outside the tree has it open too", "checkpoint them together");
    }
    String name = unlinked ? file.link().substring(1, file.link().length() - DELETED.length())
        : file.link().substring(1);
    boolean renamed = unlinked && file.tree().stream().anyMatch(other -> other.link().equals("/" + name)
        && other.filesystemMagic() == file.filesystemMagic());
    FileOwner owner = FileOwner.of(file);
    return new State(name, OpenFlags.of(file) & OpenFlags.O_ACCMODE, unlinked, renamed, room.u64(MOST_AT),
        room.u64(SIZE_AT), file.facts().mode() & PERMISSIONS, owner.uid(), owner.gid(), found.isPresent(),
        found.orElse(List.of()).stream().map(seen -> new Message(seen.priority(), seen.text())).toList(),
        isApart(file), unlinked ? body.files().stream()
            .map(each -> new Opened(each.id(), OpenFlags.of(each))).toList() : List.of());
  }

  private static boolean isApart(OpenFile file) throws ObstructedException {
    return !file.task().link("ns/ipc").equals(file.task().group().engineNamespace("ipc"));
  }

  private static boolean isThere(State state, Host host) {
    return !state.unlinked() && !state.apart() && host.hasMessageQueue(state.name());
  }

  private static boolean isRenamed(State state, Host host) {
    return state.renamed() || state.unlinked() && !state.apart() && host.hasMessageQueue(state.name());
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    var losses = new ArrayList<Loss>();
    if (isThere(state, host)) {
      return losses;
    }
    losses.add(Loss.of("message queue /" + state.name() + " is made again: its times begin anew, and its bytes count"
        + " as the restorer's (RLIMIT_MSGQUEUE)"));
    if (isRenamed(state, host)) {
      losses.add(Loss.of("the name it had before it was unlinked is another queue's now, and shown no more"));
    }
    return losses;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return state.seen() || isThere(state, host) ? List.of()
        : List.of(new Obstacle.HostLacks("message queue /" + state.name(), "it is gone, and what waited in it is not in"
            + " the image", "run the checkpoint with CAP_BPF and CAP_PERFMON"));
  }

  @Override
  public Ref<?> restore(State state, ObjectId self, Script script, Refs refs) {
    if (isThere(state, refs.host())) {
      return script.call(Nr.MQ_OPEN, "message queue /" + state.name() + ", which is where it was",
          Arg.string(state.name()), Arg.imm(state.access() | OpenFlags.O_NONBLOCK | Open.O_CLOEXEC), Arg.imm(0),
          Arg.imm(0));
    }
    String name = isRenamed(state, refs.host()) ? "stasis." + refs.pidOf(script.task()) + "." + self.value() : state.name();
    Ref<?> fd = script.call(Nr.MQ_OPEN, "message queue " + self, Arg.string(name), Arg.imm(OpenFlags.O_RDWR
        | OpenFlags.O_NONBLOCK | OpenFlags.O_CREAT | OpenFlags.O_EXCL | Open.O_CLOEXEC), Arg.imm(OWNER_READS_AND_WRITES),
        Arg.data(Bytes.zeros(ATTRIBUTES_BYTES).withU64(MOST_AT, state.most()).withU64(SIZE_AT, state.messageBytes())));
    for (Message message : state.messages()) {
      script.call(Nr.MQ_TIMEDSEND, "a message of priority " + Integer.toUnsignedString(message.priority()),
          Arg.result(fd), Arg.data(message.text()), Arg.imm(message.text().length()), Arg.imm(message.priority()),
          Arg.imm(0));
    }
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
      script.call(Nr.FCHMOD, "its mode", Arg.result(refs.fd(self)), Arg.imm(state.mode()));
      script.call(Nr.FCHOWN, "its owner", Arg.result(refs.fd(self)), Arg.imm(state.uid()), Arg.imm(state.gid()));
    }
  }
}
