package stasis.kinds.ipc;

import java.util.List;
import java.util.Optional;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.resource.Arg;
import stasis.resource.HiddenMessage;
import stasis.resource.Ref;
import stasis.resource.Script;

/// A POSIX message queue (mq_overview(7)), and how it is made.
///
/// @param name without the slash @param most messages @param messageBytes most of one @param seen whether `messages` are
///     all that wait
public record PosixQueue(@Tag(1) String name, @Tag(2) long most, @Tag(3) long messageBytes, @Tag(4) int mode,
    @Tag(5) int uid, @Tag(6) int gid, @Tag(7) boolean seen, @Tag(8) List<Message> messages) {
  /// struct mq_attr: flags, most messages, most bytes of one, messages now; four more words.
  public static final int ATTRIBUTES_BYTES = 64;
  public static final int MOST_AT = 8;
  public static final int SIZE_AT = 16;
  public static final int COUNT_AT = 24;
  public static final int PERMISSIONS = 0777;
  private static final int OWNER_READS_AND_WRITES = 0600;
  private static final int O_RDWR = 2;
  private static final int O_CREAT = 0100;
  private static final int O_EXCL = 0200;
  private static final int O_NONBLOCK = 04000;

  /// As one is received.
  public record Message(@Tag(1) int priority, @Tag(2) Bytes text) {}

  public PosixQueue {
    messages = List.copyOf(messages);
    if (name.isEmpty() || name.indexOf('/') >= 0 || (mode & ~PERMISSIONS) != 0 || most < messages.size()) {
      throw new IllegalArgumentException("no message queue is called '" + name + "' with mode " + mode + " and room"
          + " for " + most);
    }
  }

  /// @param waiting empty where it could not be seen
  public static List<Message> messages(Optional<List<HiddenMessage>> waiting) {
    return waiting.orElse(List.of()).stream().map(seen -> new Message(seen.priority(), seen.text())).toList();
  }

  /// Appends its making under a name, with what waits in it.
  ///
  /// @return open for reading and writing, not blocking
  public Ref<?> make(String under, String why, Script script) {
    Ref<?> fd = script.call(Nr.MQ_OPEN, why, Arg.string(under),
        Arg.imm(O_RDWR | O_NONBLOCK | O_CREAT | O_EXCL | Open.O_CLOEXEC), Arg.imm(OWNER_READS_AND_WRITES),
        Arg.data(Bytes.zeros(ATTRIBUTES_BYTES).withU64(MOST_AT, most).withU64(SIZE_AT, messageBytes)));
    for (Message message : messages) {
      script.call(Nr.MQ_TIMEDSEND, "a message of priority " + Integer.toUnsignedString(message.priority()),
          Arg.result(fd), Arg.data(message.text()), Arg.imm(message.text().length()), Arg.imm(message.priority()),
          Arg.imm(0));
    }
    return fd;
  }

  /// Appends its mode and owner, after which it may no longer be opened by who makes it.
  public void give(Ref<?> fd, Script script) {
    script.call(Nr.FCHMOD, "its mode", Arg.result(fd), Arg.imm(mode));
    script.call(Nr.FCHOWN, "its owner", Arg.result(fd), Arg.imm(uid), Arg.imm(gid));
  }
}
