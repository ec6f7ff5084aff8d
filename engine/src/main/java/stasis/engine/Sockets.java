package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.socket.UnixDiag;
import stasis.linux.socket.UnixQueue;
import stasis.linux.sys.Syscalls;
import stasis.procfs.FileStat;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.OpenFile;
import stasis.resource.ObstructedException;
import stasis.resource.UnixSocket;

/// The unix sockets of a frozen tree: listed once, their queues read once, and the files found in flight in them.
final class Sockets {
  private static final int SOL_SOCKET = 1;
  private static final int SO_DOMAIN = 39;
  private static final int SO_PEEK_OFF = 42;
  /// Longer messages may lie in pages of any size.
  private static final int WEIGHED_BYTES = 4096;
  private static final int AF_UNIX = 1;
  private static final int SOCK_STREAM = 1;
  private static final int SOCK_SEQPACKET = 5;
  private static final int KCMP_FILE = 0;
  private static final int POLLPRI = 2;
  private static final int POLLERR = 8;

  /// Makes a file that no task has open into one of the tree.
  interface Found {
    /// @param seat where the engine has it @param near the socket it is in flight to
    FileView file(SharedFiles.Seat seat, OwnCopy copy, FileView near);
  }

  private final TreeView tree;
  private final Tid self = new Tid(Math.toIntExact(ProcessHandle.current().pid()));
  private final Map<Long, UnixDiag.Row> rows = new HashMap<>();
  private final Map<Long, List<Long>> peers = new HashMap<>();
  private final Map<Long, FileView> byInode = new HashMap<>();
  private final Map<ObjectId, List<UnixSocket.Message>> queues = new HashMap<>();
  private final Map<ObjectId, ObstructedException> unread = new HashMap<>();
  private final List<FileView> files = new ArrayList<>();
  private Optional<SyscallException> unlisted = Optional.empty();

  Sockets(TreeView tree) {
    this.tree = tree;
  }

  /// Looks into the sockets among `all`; what is found in flight is looked into in turn.
  ///
  /// @return the files that are in flight and nowhere else
  List<FileView> look(List<FileView> all, Found found) {
    files.addAll(all);
    List<FileView> pending = all.stream().filter(Sockets::isUnix).toList();
    if (!pending.isEmpty()) {
      list();
    }
    var inFlight = new ArrayList<FileView>();
    var unseen = new ArrayList<FileView>(pending);
    while (!pending.isEmpty() && unlisted.isEmpty()) {
      pending.forEach(socket -> byInode.put(socket.facts().inode(), socket));
      var next = new ArrayList<FileView>();
      for (FileView socket : unseen.stream().filter(this::isAmongUs).toList()) {
        unseen.remove(socket);
        read(socket, found, next);
      }
      inFlight.addAll(next);
      pending = next.stream().filter(Sockets::isUnix).toList();
      unseen.addAll(pending);
    }
    return inFlight;
  }

  /// What is on its way to a socket whose peer is outside is no business of ours.
  private boolean isAmongUs(FileView socket) {
    UnixDiag.Row row = rows.get(socket.facts().inode());
    return row != null && row.peer().filter(peer -> peer != 0 && !byInode.containsKey(peer)).isEmpty();
  }

  Optional<UnixSocket> of(FileView file) throws ObstructedException {
    if (unlisted.isPresent()) {
      throw new ObstructedException(file.subject(), unlisted.get(), "load the kernel module unix_diag");
    }
    ObstructedException obstacle = unread.get(file.id());
    if (obstacle != null) {
      throw obstacle;
    }
    long inode = file.facts().inode();
    return Optional.ofNullable(rows.get(inode)).map(row -> new UnixSocket(row.type(), row.state(), inode,
        withoutNul(row.name()), row.fileInode(), row.peer(), peers.getOrDefault(inode, List.of()), row.waiting(),
        row.sent(), row.sent(), row.shutdown(), queues.getOrDefault(file.id(), List.of())));
  }

  Optional<OpenFile> at(long inode) {
    return Optional.ofNullable(byInode.get(inode));
  }

  /// A path as the kernel keeps it ends in a NUL; an abstract name begins with one.
  private static Bytes withoutNul(Bytes name) {
    return name.isEmpty() || name.u8(0) == 0 ? name : Bytes.cString(name.latin1()).slice(0, name.latin1().length());
  }

  private static boolean isUnix(FileView file) {
    if (file.facts().type() != FileStat.S_IFSOCK) {
      return false;
    }
    Answer domain = option(file, SO_DOMAIN);
    return !domain.failed() && domain.output(3).u32(0) == AF_UNIX;
  }

  private static Answer option(FileView file, int name) {
    return file.ask(Nr.GETSOCKOPT, Arg.self(), Arg.imm(SOL_SOCKET), Arg.imm(name), Arg.space(4),
        Arg.data(Bytes.ofU32(4)));
  }

  private void list() {
    try {
      for (UnixDiag.Row row : UnixDiag.all()) {
        rows.put(row.inode(), row);
        row.peer().filter(peer -> peer != 0).ifPresent(
            peer -> peers.computeIfAbsent(peer, _ -> new ArrayList<>()).add(row.inode()));
      }
    } catch (SyscallException e) {
      unlisted = Optional.of(e);
    }
  }

  private void read(FileView socket, Found found, List<FileView> next) {
    UnixDiag.Row row = rows.get(socket.facts().inode());
    Optional<OwnCopy> copy = socket.copy();
    if (row == null || row.state() == UnixSocket.LISTENING || copy.isEmpty()) {
      return;
    }
    try {
      mayBePeeked(socket, row);
      var guard = new PeekGuard(new Fd(copy.get().fd()));
      var messages = new ArrayList<UnixSocket.Message>();
      for (UnixQueue.Item item : UnixQueue.read(copy.get().fd(), row.type(), row.received(),
          row.type() == SOCK_SEQPACKET && (row.shutdown() & 1) != 0, guard)) {
        var carried = new ArrayList<ObjectId>();
        for (int fd : item.fds()) {
          carried.add(identify(fd, socket, found, next));
        }
        messages.add(new UnixSocket.Message(item.data(), withoutNul(item.source()),
            item.sender().map(from -> new UnixSocket.Sender(from.pid(), from.uid(), from.gid())), carried));
      }
      refuseUnseen(socket, row, messages);
      queues.put(socket.id(), messages);
    } catch (SyscallException e) {
      unread.put(socket.id(), new ObstructedException(socket.subject(), e, ""));
    } catch (ObstructedException e) {
      unread.put(socket.id(), e);
    }
  }

  /// Messages without bytes that somebody has peeked at before, as an earlier checkpoint of the running program does,
  /// do not show. They still weigh on their sender.
  private void refuseUnseen(FileView socket, UnixDiag.Row row, List<UnixSocket.Message> messages)
      throws ObstructedException, SyscallException {
    int sent = row.peer().flatMap(peer -> Optional.ofNullable(rows.get(peer))).map(UnixDiag.Row::sent).orElse(0);
    List<Integer> lengths = messages.stream().map(message -> message.data().length()).toList();
    if (row.type() == SOCK_STREAM || sent == 0
        || lengths.stream().anyMatch(length -> length > WEIGHED_BYTES)) {
      return;
    }
    long unseen = sent - UnixQueue.weight(row.type(), lengths);
    if (unseen > 0 && unseen % UnixQueue.weight(row.type(), List.of(0)) == 0) {
      throw new ObstructedException(socket.subject(), "messages without bytes wait in it that an earlier look into its"
          + " queue hides from this one", "let the program read what is waiting before the checkpoint");
    }
  }

  /// A read of a message socket takes a pending error (SO_ERROR) along, even a peek; so one with both is not read.
  private static void mayBePeeked(FileView socket, UnixDiag.Row row) throws ObstructedException {
    Answer offset = option(socket, SO_PEEK_OFF);
    if (!offset.failed() && offset.output(3).u32(0) >= 0 && row.received() > 0) {
      throw new ObstructedException(socket.subject(), "the program itself looks into its queue (SO_PEEK_OFF)",
          "let it read what is waiting before the checkpoint");
    }
    if (row.type() == SOCK_STREAM && (poll(socket) & POLLPRI) != 0) {
      throw new ObstructedException(socket.subject(), "urgent data (MSG_OOB) waits in it",
          "let the program read it before the checkpoint");
    }
    if (row.type() != SOCK_STREAM && (poll(socket) & POLLERR) != 0) {
      throw new ObstructedException(socket.subject(), "an error waits in it, which reading its queue would take",
          "let the program read from it before the checkpoint");
    }
  }

  private static int poll(FileView socket) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment poll = arena.allocateFrom(JAVA_INT, socket.copy().orElseThrow().fd(), POLLPRI);
      MemorySegment now = arena.allocate(16, 8);
      return Syscalls.call(Nr.PPOLL, poll.address(), 1, now.address(), 0, 0) == 1 ? poll.get(JAVA_INT, 4) >>> 16 : 0;
    }
  }

  /// @param fd the engine's own; kept only where the file is new
  private ObjectId identify(int fd, FileView near, Found found, List<FileView> next) throws ObstructedException {
    try {
      ProcTask own = tree.proc().task(self);
      var seat = new SharedFiles.Seat(self, new Fd(fd), own.fdLink(new Fd(fd)), own.fdInfo(new Fd(fd)));
      for (FileView file : files) {
        if (file.facts().inode() == seat.link().stat().inode() && isSame(seat, file.seat())) {
          Syscalls.call(Nr.CLOSE, fd);
          return file.id();
        }
      }
      FileView file = found.file(seat, OwnCopy.received(fd), near);
      files.add(file);
      next.add(file);
      return file.id();
    } catch (ProcException e) {
      throw new ObstructedException(near.subject(), "a file in flight cannot be looked at: " + e.getMessage(), "");
    }
  }

  private static boolean isSame(SharedFiles.Seat one, SharedFiles.Seat other) {
    long order = Syscalls.call(Nr.KCMP, one.task().value(), other.task().value(), KCMP_FILE, one.fd().value(),
        other.fd().value());
    if (Errno.isError(order)) {
      throw new KcmpFailedException(one + " and " + other, Errno.of(order).toString());
    }
    return order == 0;
  }
}
