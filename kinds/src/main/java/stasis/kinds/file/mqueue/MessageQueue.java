package stasis.kinds.file.mqueue;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.BodyKey;
import stasis.resource.FileKind;
import stasis.resource.HiddenNotice;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// An open POSIX message queue (mq_overview(7)). Where it is to tell the program of the next message (mq_notify(3)), by a
/// signal, through the socket of a thread (SIGEV_THREAD) or not at all, it is told so again.
public final class MessageQueue implements FileKind<MessageQueue.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.mqueue", 3);
  private static final int SIGEV_SIGNAL = 0;
  private static final int SIGEV_NONE = 1;
  private static final int SIGEV_THREAD = 2;
  private static final int COOKIE_BYTES = 32;
  private static final int SIGEVENT_BYTES = 64;
  private static final int SIGNAL_AT = 8;
  private static final int SORT_AT = 12;
  /// MQUEUE_MAGIC (ipc/mqueue.c).
  private static final long MAGIC = 0x19800202L;
  private static final int SEEK_SET = 0;
  /// FILENT_SIZE (ipc/mqueue.c): what a read shows of a queue, `QSIZE:8 NOTIFY:0 SIGNO:10 NOTIFY_PID:4711`.
  private static final int STATUS_BYTES = 80;
  private static final Pattern NOTIFIED = Pattern.compile("NOTIFY_PID:([0-9]+)");

  /// @param name without the slash @param flags of open(2) @param position of read(2), which shows the queue's state
  /// @param unseen whether it is open for writing only, which does not let that be read
  /// @param notice of the next message, asked for by a process that has this description
  /// @param body empty in images of version 2, where every queue has a name and is there
  /// @param opened its own id, under which the body of one that was unlinked has opened it
  record State(@Tag(1) String name, @Tag(2) int flags, @Tag(3) long position, @Tag(4) boolean unseen,
      @Tag(5) Optional<Notice> notice, @Tag(6) Optional<ObjectId> body, @Tag(7) Optional<ObjectId> opened) {}

  /// @param process to be told @param sort `SIGEV_` @param value the program's own
  /// @param thread for SIGEV_THREAD
  record Notice(@Tag(1) ObjectId process, @Tag(2) int sort, @Tag(3) int signal, @Tag(4) long value,
      @Tag(5) Optional<Helper> thread) {
    Notice {
      if (sort != SIGEV_SIGNAL && sort != SIGEV_NONE && (sort != SIGEV_THREAD || thread.isEmpty())) {
        throw new IllegalArgumentException("no notice of sort " + sort + " is asked for again");
      }
    }
  }

  /// How a thread that waits at a socket is told which function to begin.
  ///
  /// @param socket of family netlink @param cookie what it receives then
  record Helper(@Tag(1) ObjectId socket, @Tag(2) Bytes cookie) {
    Helper {
      if (cookie.length() != COOKIE_BYTES) {
        throw new IllegalArgumentException("a cookie of " + cookie.length() + " bytes");
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  /// What mq_open(3) opened; a queue opened under a mount of its file system is a file there.
  @Override
  public boolean recognises(OpenFile file) {
    return file.filesystemMagic() == MAGIC && file.link().lastIndexOf('/') == 0
        && (file.info().flags() & OpenFlags.O_PATH) == 0;
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    ObjectId body = file.body(new BodyKey("body.mqueue", file.facts().device().stat(), file.facts().inode()));
    int flags = OpenFlags.of(file);
    boolean readable = OpenFlags.isReadable(flags);
    return new State(file.link().substring(1), flags, file.info().pos(), !readable,
        readable ? notice(file) : Optional.empty(), Optional.of(body),
        file.facts().links() == 0 ? Optional.of(file.id()) : Optional.empty());
  }

  /// The queue has one, through whichever of its descriptions: it is the first's that can be read and that the process
  /// has.
  private static Optional<Notice> notice(OpenFile file) throws ObstructedException {
    Optional<Integer> notified = notified(file);
    Optional<ObjectId> process = notified.flatMap(file::taskInTree);
    if (notified.isEmpty() || process.isEmpty() || !has(file, process.get()) || file.onSameInode().stream().anyMatch(
        other -> other.id().compareTo(file.id()) < 0 && OpenFlags.isReadable(OpenFlags.of(other))
            && has(other, process.get()))) {
      return Optional.empty();
    }
    HiddenNotice notice = file.hiddenNotice().orElseThrow(() -> refused(file, notified.get(),
        ", which nothing shows whole", "run with CAP_BPF and CAP_PERFMON, or let the program take the notification off"));
    return Optional.of(notice.sort() == SIGEV_THREAD
        ? new Notice(process.get(), SIGEV_THREAD, 0, 0, Optional.of(helper(file, process.get(), notice)))
        : new Notice(process.get(), notice.sort(), notice.signal(), notice.value(), Optional.empty()));
  }

  /// The socket must be at hand in the process that asks: that is how mq_notify(2) is told it.
  private static Helper helper(OpenFile file, ObjectId process, HiddenNotice notice) throws ObstructedException {
    OpenFile socket = file.tree().stream().filter(found -> found.facts().type() == FileStat.S_IFSOCK
        && found.facts().inode() == notice.socketInode() && has(found, process)).findFirst().orElseThrow(() ->
        new ObstructedException(file.subject(), "this POSIX message queue is to notify a thread (SIGEV_THREAD) through"
            + " a socket that its process has closed", "let the program take the notification off"));
    return new Helper(socket.id(), notice.cookie());
  }

  private static boolean has(OpenFile file, ObjectId process) {
    return file.holders().stream().anyMatch(holder -> holder.process().equals(process));
  }

  private static ObstructedException refused(OpenFile file, int pid, String how, String remedy) {
    return new ObstructedException(file.subject(), "this POSIX message queue is to notify task " + pid + " (mq_notify)"
        + how, remedy);
  }

  /// Whom the next message is told.
  private static Optional<Integer> notified(OpenFile file) throws ObstructedException {
    Answer status = file.ask(Nr.PREAD64, Arg.self(), Arg.space(STATUS_BYTES), Arg.imm(STATUS_BYTES), Arg.imm(0));
    Matcher line = NOTIFIED.matcher(status.failed() ? "" : status.output(1).latin1());
    if (!line.find()) {
      throw new ObstructedException(file.subject(), "the state of this POSIX message queue cannot be read", "");
    }
    return Optional.of(Integer.parseInt(line.group(1))).filter(pid -> pid != 0);
  }

  @Override
  public List<Loss> losses(State state) {
    if (state.unseen()) {
      return List.of(Loss.of("open for writing only: a notification asked for through it is lost"));
    }
    return state.notice().isPresent() ? List.of(Loss.of("a message that comes to the empty queue while the program is"
        + " away notifies nobody")) : List.of();
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = state.opened().map(self -> new Ref<Fd>(refs.noted(self).orElseThrow(
        () -> new IllegalStateException(self + " was not opened by its body")).step())).orElseGet(
            () -> script.call(Nr.MQ_OPEN, "message queue /" + state.name(), Arg.string(state.name()),
                Arg.imm(state.flags() & (OpenFlags.O_ACCMODE | OpenFlags.O_NONBLOCK)), Arg.imm(0), Arg.imm(0)));
    OpenFlags.complete(state.flags(), fd, script);
    if (state.position() != 0) {
      script.call(Nr.LSEEK, "its position", Arg.result(fd), Arg.imm(state.position()), Arg.imm(SEEK_SET));
    }
    return fd;
  }

  /// A close by the same process takes the notification off: nothing is closed any more.
  @Override
  public void connectOwn(State state, Fd self, Script script, Refs refs) {
    state.notice().filter(notice -> notice.process().equals(script.task())).ifPresent(notice ->
        script.call(Nr.MQ_NOTIFY, "notice of the next message", Arg.imm(self.value()), event(notice, refs)));
  }

  /// `struct sigevent`; for SIGEV_THREAD the kernel takes the signal's number for the socket and the value for where the
  /// cookie lies (ipc/mqueue.c, do_mq_notify()).
  private static Arg event(Notice notice, Refs refs) {
    Bytes event = Bytes.zeros(SIGEVENT_BYTES).withU64(0, notice.value()).withU32(SIGNAL_AT, notice.signal())
        .withU32(SORT_AT, notice.sort());
    return notice.thread().<Arg>map(helper -> new Arg.Struct(
        event.withU32(SIGNAL_AT, refs.places(helper.socket()).getFirst().value()),
        List.of(new Arg.Patch(0, Long.BYTES, Arg.data(helper.cookie()))))).orElse(Arg.data(event));
  }

  @Override
  public Set<ObjectId> needs(State state) {
    return state.body().map(Set::of).orElse(Set.of());
  }
}
