package stasis.linux.socket;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// What waits in a unix socket, read by MSG_PEEK: nothing is taken. Descriptors in flight arrive as further ones of the
/// caller's own, which it must close.
///
/// A peek sees the first message only, or of a stream what lies before the first descriptors (net/unix/af_unix.c,
/// unix_stream_read_generic()). To go on it needs SO_PEEK_OFF, which stays on the socket: it is set only where there is
/// more than one peek can see, within a [Guard], and taken back at once. Of messages without bytes it shows those that
/// nobody has peeked at before, and the first of all ([#weight] tells of others).
public final class UnixQueue {
  private static final int AF_UNIX = 1;
  private static final int SOCK_CLOEXEC = 0x80000;
  private static final int SIOCOUTQ = 0x5411;
  private static final int SOL_SOCKET = 1;
  private static final int SO_PEEK_OFF = 42;
  private static final int SOCK_STREAM = 1;
  private static final int MSG_PEEK = 2;
  private static final int MSG_CTRUNC = 8;
  private static final int MSG_TRUNC = 0x20;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_CMSG_CLOEXEC = 0x40000000;
  private static final int SCM_RIGHTS = 1;
  private static final int SCM_CREDENTIALS = 2;
  private static final int SCM_PIDFD = 4;
  private static final int CONTROL_BYTES = 4096;
  private static final int NAME_BYTES = 110;
  private static final int FIRST_BUFFER_BYTES = 1 << 16;
  private static final int HEADER_BYTES = 16;
  private static final long PAGE = 4096;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;

  /// Who sent a message, as SCM_CREDENTIALS has it.
  public record Sender(int pid, int uid, int gid) {}

  /// A message; of a stream, bytes that one read may give.
  ///
  /// @param source sun_path of the sender's address as the kernel keeps it
  /// @param sender empty when the message carries none, or the receiver does not ask for it (SO_PASSCRED)
  /// @param fds descriptors of the caller's own
  public record Item(Bytes data, Bytes source, Optional<Sender> sender, List<Integer> fds) {}

  /// Surrounds the time in which SO_PEEK_OFF of the socket is set.
  public interface Guard {
    /// Before it is set: whatever becomes of the caller, it must be unset.
    void enter() throws SyscallException;

    /// It is unset again.
    void leave() throws SyscallException;
  }

  private final int fd;
  private final boolean stream;
  private final Arena arena;
  private final List<Item> items = new ArrayList<>();
  private MemorySegment buffer;
  private boolean moving;

  private UnixQueue(int fd, int type, Arena arena) {
    this.fd = fd;
    this.stream = type == SOCK_STREAM;
    this.arena = arena;
    this.buffer = arena.allocate(FIRST_BUFFER_BYTES, 8);
  }

  /// @param fd its SO_PEEK_OFF is -1 @param type SOCK_* @param unread as SIOCINQ or sock_diag(7) say
  /// @param ended whether reads past the last message give end-of-file (a seqpacket socket shut down)
  public static List<Item> read(int fd, int type, int unread, boolean ended, Guard guard) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      var queue = new UnixQueue(fd, type, arena);
      boolean whole = false;
      try {
        queue.read(unread, ended, guard);
        whole = true;
      } finally {
        if (!whole) {
          queue.items.forEach(UnixQueue::close);
        }
      }
      return List.copyOf(queue.items);
    }
  }

  /// How much sending such messages adds to what SIOCOUTQ says of their sender while they are unread, in the kernel's
  /// own measure.
  public static long weight(int type, List<Integer> lengths) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment pair = arena.allocate(8, 4);
      MemorySegment unread = arena.allocate(4, 4);
      MemorySegment data = arena.allocate(Math.max(1, lengths.stream().mapToInt(Integer::intValue).max().orElse(1)));
      Syscalls.require("make a pair of sockets", Nr.SOCKETPAIR, AF_UNIX, type | SOCK_CLOEXEC, 0, pair.address());
      try {
        long weight = 0;
        for (int length : lengths) {
          Syscalls.require("weigh a message", Nr.SENDTO, pair.get(JAVA_INT, 0), data.address(), length, 0, 0, 0);
          Syscalls.require("weigh a message", Nr.IOCTL, pair.get(JAVA_INT, 0), SIOCOUTQ, unread.address());
          weight += unread.get(JAVA_INT, 0);
          Syscalls.require("take a message back", Nr.RECVFROM, pair.get(JAVA_INT, 4), data.address(), length, 0, 0, 0);
        }
        return weight;
      } finally {
        Syscalls.call(Nr.CLOSE, pair.get(JAVA_INT, 0));
        Syscalls.call(Nr.CLOSE, pair.get(JAVA_INT, 4));
      }
    }
  }

  public static void close(Item item) {
    item.fds().forEach(fd -> Syscalls.call(Nr.CLOSE, fd));
  }

  private void read(int unread, boolean ended, Guard guard) throws SyscallException {
    if (unread > buffer.byteSize()) {
      buffer = arena.allocate(unread, 8);
    }
    if (stream && unread == 0) {
      return;
    }
    Optional<Item> first = receive(stream ? unread : (int) buffer.byteSize());
    if (first.isEmpty()) {
      return;
    }
    if (stream && first.get().data().length() == unread && first.get().fds().isEmpty()) {
      items.add(first.get());
      return;
    }
    if (!stream && !ended && first.get().data().isEmpty()) {
      // A peek by offset leaves out a message without bytes that was peeked at before: this one, from now on.
      items.add(first.get());
    } else {
      close(first.get());
    }
    guard.enter();
    try {
      seek(0);
      if (stream) {
        readStream(unread);
      } else {
        readMessages(ended);
      }
    } finally {
      seek(-1);
      guard.leave();
    }
  }

  private void readStream(int unread) throws SyscallException {
    int base = 0;
    while (base < unread) {
      seek(base);
      Item item = receive(unread - base).orElseThrow(() -> new SyscallException(Nr.RECVMSG, Errno.EAGAIN,
          "peek at all " + unread + " bytes of a stream"));
      int length = item.data().length();
      items.add(item);
      if (!item.fds().isEmpty()) {
        int plain = beforeFiles(base, length);
        if (plain > 0) {
          items.removeLast();
          items.add(new Item(item.data().slice(0, plain), item.source(), item.sender(), List.of()));
          items.add(new Item(item.data().slice(plain, length - plain), item.source(), item.sender(), item.fds()));
        }
      }
      base += length;
    }
  }

  /// How many bytes from `base` on can be read before the message with descriptors, the last of those `length` bytes.
  /// A peek shows the descriptors with the first of them. But a message that cannot be copied to its end is left out,
  /// so a buffer that lacks the last byte shows where it begins.
  private int beforeFiles(int base, int length) throws SyscallException {
    long writable = length - 1 + PAGE & -PAGE;
    long memory = Syscalls.require("map a buffer", Nr.MMAP, 0, writable + PAGE, PROT_READ_WRITE,
        MAP_PRIVATE_ANONYMOUS, -1, 0);
    try {
      Syscalls.require("end a buffer", Nr.MPROTECT, memory + writable, PAGE, 0);
      seek(base);
      MemorySegment iovec = arena.allocateFrom(JAVA_LONG, memory + writable - (length - 1), length);
      MemorySegment message = arena.allocateFrom(JAVA_LONG, 0, 0, iovec.address(), 1, 0, 0, 0);
      long got = Syscalls.call(Nr.RECVMSG, fd, message.address(), MSG_PEEK | MSG_DONTWAIT);
      if (Errno.isError(got) && got != -Errno.EFAULT.number()) {
        throw new SyscallException(Nr.RECVMSG, Errno.of(got), "look for the beginning of a message");
      }
      return (int) Math.max(0, got);
    } finally {
      Syscalls.call(Nr.MUNMAP, memory, writable + PAGE);
    }
  }

  private void readMessages(boolean ended) throws SyscallException {
    int base = 0;
    while (true) {
      Optional<Item> item = receive((int) buffer.byteSize());
      if (item.isEmpty() || ended && item.get().data().isEmpty()) {
        return;
      }
      int length = item.get().data().length();
      items.add(item.get());
      base += length;
      seek(base);
    }
  }

  private void seek(int offset) throws SyscallException {
    MemorySegment value = arena.allocateFrom(JAVA_INT, offset);
    Syscalls.require("look into a unix socket", Nr.SETSOCKOPT, fd, SOL_SOCKET, SO_PEEK_OFF, value.address(), 4);
    moving = offset >= 0;
  }

  /// One peek; empty where nothing more waits.
  private Optional<Item> receive(int atMost) throws SyscallException {
    MemorySegment name = arena.allocate(NAME_BYTES, 8);
    MemorySegment control = arena.allocate(CONTROL_BYTES, 8);
    MemorySegment iovec = arena.allocateFrom(JAVA_LONG, buffer.address(), atMost);
    MemorySegment message = arena.allocateFrom(JAVA_LONG, name.address(), NAME_BYTES, iovec.address(), 1,
        control.address(), CONTROL_BYTES, 0);
    int flags = MSG_PEEK | MSG_DONTWAIT | MSG_CMSG_CLOEXEC | (stream ? 0 : MSG_TRUNC);
    long got = Syscalls.call(Nr.RECVMSG, fd, message.address(), flags);
    // A seqpacket socket that was never connected has no messages (net/unix/af_unix.c, unix_seqpacket_recvmsg()).
    if (got == -Errno.EAGAIN.number() || got == -Errno.ENOTCONN.number()) {
      return Optional.empty();
    }
    if (Errno.isError(got)) {
      throw new SyscallException(Nr.RECVMSG, Errno.of(got), "peek into a unix socket");
    }
    Bytes controls = bytes(control, message.get(JAVA_LONG, 40));
    Item item = parse(Bytes.EMPTY, source(name, message.get(JAVA_INT, 8)), controls);
    if ((message.get(JAVA_INT, 48) & MSG_CTRUNC) != 0) {
      close(item);
      throw new SyscallException(Nr.RECVMSG, Errno.EMFILE, "peek at descriptors in flight");
    }
    if (got > atMost && !stream) {
      close(item);
      buffer = arena.allocate(got, 8);
      seekBack();
      return receive((int) got);
    }
    return Optional.of(new Item(bytes(buffer, got), item.source(), item.sender(), item.fds()));
  }

  /// To the message that was only partly read; without an offset peeks are always at the first.
  private void seekBack() throws SyscallException {
    if (moving) {
      seek(items.stream().mapToInt(item -> item.data().length()).sum());
    }
  }

  private static Bytes source(MemorySegment name, int length) {
    return length <= 2 ? Bytes.EMPTY : bytes(name, length).slice(2, length - 2);
  }

  private static Item parse(Bytes data, Bytes source, Bytes control) {
    Optional<Sender> sender = Optional.empty();
    var fds = new ArrayList<Integer>();
    int at = 0;
    while (at + HEADER_BYTES <= control.length()) {
      int length = (int) control.u64(at);
      int type = control.u32(at + 12);
      if (type == SCM_CREDENTIALS && control.u32(at + 16) != 0) {
        sender = Optional.of(new Sender(control.u32(at + 16), control.u32(at + 20), control.u32(at + 24)));
      } else if (type == SCM_RIGHTS) {
        for (int fd = at + HEADER_BYTES; fd < at + length; fd += 4) {
          fds.add(control.u32(fd));
        }
      } else if (type == SCM_PIDFD && control.u32(at + HEADER_BYTES) >= 0) {
        Syscalls.call(Nr.CLOSE, control.u32(at + HEADER_BYTES));
      }
      at += Math.max(HEADER_BYTES, length + 7 & ~7);
    }
    return new Item(data, source, sender, fds);
  }

  private static Bytes bytes(MemorySegment memory, long length) {
    return Bytes.of(memory.asSlice(0, length).toArray(JAVA_BYTE));
  }
}
