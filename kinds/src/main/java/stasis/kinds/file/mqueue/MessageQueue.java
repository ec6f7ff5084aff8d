package stasis.kinds.file.mqueue;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A POSIX message queue (mq_overview(7)), opened again by its name: like a file it outlives the program, with all its
/// messages, so those are not in the statefile. One that was unlinked, or that tells the program of messages
/// (mq_notify(3)), is refused.
public final class MessageQueue implements FileKind<MessageQueue.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.mqueue", 1);
  /// MQUEUE_MAGIC (ipc/mqueue.c).
  private static final long MAGIC = 0x19800202L;
  private static final int SEEK_SET = 0;
  /// FILENT_SIZE (ipc/mqueue.c): what a read shows of a queue, `QSIZE:8 NOTIFY:0 SIGNO:10 NOTIFY_PID:4711`.
  private static final int STATUS_BYTES = 80;
  private static final Pattern NOTIFIED = Pattern.compile("NOTIFY_PID:([0-9]+)");

  /// @param name without the slash @param flags of open(2) @param position of read(2), which shows the queue's state
  /// @param unseen whether it is open for writing only, which does not let that be read
  record State(@Tag(1) String name, @Tag(2) int flags, @Tag(3) long position, @Tag(4) boolean unseen) {}

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
    if (file.facts().links() == 0) {
      throw new ObstructedException(file.subject(), "this POSIX message queue was unlinked: it ends with the program",
          "let the program close it before the checkpoint");
    }
    int flags = OpenFlags.of(file);
    boolean readable = OpenFlags.isReadable(flags);
    if (readable) {
      Optional<Integer> notified = notified(file);
      if (notified.isPresent() && file.taskInTree(notified.get()).isPresent()) {
        throw new ObstructedException(file.subject(), "this POSIX message queue is to notify task " + notified.get()
            + " (mq_notify), which nothing shows whole", "let the program take the notification off");
      }
    }
    return new State(file.link().substring(1), flags, file.info().pos(), !readable);
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
    return state.unseen() ? List.of(Loss.of("open for writing only: a notification asked for through it is lost"))
        : List.of();
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.MQ_OPEN, "message queue /" + state.name() + ", which is where it was",
        Arg.string(state.name()), Arg.imm(state.flags() & (OpenFlags.O_ACCMODE | OpenFlags.O_NONBLOCK)), Arg.imm(0),
        Arg.imm(0));
    OpenFlags.complete(state.flags(), fd, script);
    if (state.position() != 0) {
      script.call(Nr.LSEEK, "its position", Arg.result(fd), Arg.imm(state.position()), Arg.imm(SEEK_SET));
    }
    return fd;
  }
}
