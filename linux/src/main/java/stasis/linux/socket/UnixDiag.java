package stasis.linux.socket;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// Every AF_UNIX socket of the caller's network namespace, as sock_diag(7) lists them (net/unix/diag.c).
public final class UnixDiag {
  private static final int AF_UNIX = 1;
  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
  private static final int NETLINK_SOCK_DIAG = 4;
  private static final int SOCK_DIAG_BY_FAMILY = 20;
  private static final int NLM_F_REQUEST_DUMP = 0x301;
  private static final int NLMSG_ERROR = 2;
  private static final int NLMSG_DONE = 3;
  private static final int HEADER_BYTES = 16;
  private static final int REQUEST_BYTES = 24;
  private static final int MESSAGE_BYTES = 16;
  private static final int BUFFER_BYTES = 1 << 16;
  /// UDIAG_SHOW_NAME, VFS, PEER, ICONS, RQLEN; the shutdown mask comes unasked.
  private static final int SHOW = 0x1 | 0x2 | 0x4 | 0x8 | 0x10;
  private static final int UNIX_DIAG_NAME = 0;
  private static final int UNIX_DIAG_VFS = 1;
  private static final int UNIX_DIAG_PEER = 2;
  private static final int UNIX_DIAG_ICONS = 3;
  private static final int UNIX_DIAG_RQLEN = 4;
  private static final int UNIX_DIAG_SHUTDOWN = 6;

  private UnixDiag() {}

  /// One socket.
  ///
  /// @param type SOCK_* @param state TCP_*: 1 connected, 7 neither, 10 listening @param inode as fstat(2) has it
  /// @param name sun_path as the kernel keeps it: a path with its NUL, an abstract name, nothing
  /// @param fileInode low 32 bits of the inode of the socket file it was bound to
  /// @param peer inode of the socket it is connected to, 0 for one that nobody has open
  /// @param waiting of a listening socket: inodes of those whose connection was not accepted, 0 for one closed since
  /// @param received unread bytes, or connections not accepted @param sent bytes its peer has not read, or the backlog
  /// @param shutdown 1 for RCV_SHUTDOWN, 2 for SEND_SHUTDOWN
  public record Row(int type, int state, long inode, Bytes name, Optional<Long> fileInode, Optional<Long> peer,
      List<Long> waiting, int received, int sent, int shutdown) {}

  public static List<Row> all() throws SyscallException {
    long fd = Syscalls.require("ask sock_diag", Nr.SOCKET, AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_SOCK_DIAG);
    try (Arena arena = Arena.ofConfined()) {
      byte[] request = Bytes.ofU32(HEADER_BYTES + REQUEST_BYTES, SOCK_DIAG_BY_FAMILY | NLM_F_REQUEST_DUMP << 16, 1, 0,
          AF_UNIX, -1, 0, SHOW, -1, -1).toArray();
      MemorySegment out = arena.allocate(request.length, 8);
      MemorySegment.copy(MemorySegment.ofArray(request), 0, out, 0, request.length);
      Syscalls.require("ask sock_diag for unix sockets", Nr.SENDTO, fd, out.address(), request.length, 0, 0, 0);
      MemorySegment in = arena.allocate(BUFFER_BYTES, 8);
      var rows = new ArrayList<Row>();
      boolean more = true;
      while (more) {
        long got = Syscalls.require("hear sock_diag", Nr.RECVFROM, fd, in.address(), BUFFER_BYTES, 0, 0, 0);
        more = parse(Bytes.of(in.asSlice(0, got).toArray(JAVA_BYTE)), rows);
      }
      return rows;
    } finally {
      Syscalls.call(Nr.CLOSE, fd);
    }
  }

  /// @return whether more is to come
  static boolean parse(Bytes messages, List<Row> rows) throws SyscallException {
    int at = 0;
    while (at + HEADER_BYTES <= messages.length()) {
      int length = messages.u32(at);
      int type = messages.u16(at + 4);
      if (type == NLMSG_DONE) {
        return false;
      }
      if (type == NLMSG_ERROR) {
        throw new SyscallException(Nr.RECVFROM, Errno.of(messages.u32(at + HEADER_BYTES)),
            "list unix sockets by sock_diag");
      }
      if (length < HEADER_BYTES + MESSAGE_BYTES || at + length > messages.length()) {
        throw new SyscallException(Nr.RECVFROM, Errno.EPROTO, "list unix sockets by sock_diag");
      }
      rows.add(row(messages.slice(at + HEADER_BYTES, length - HEADER_BYTES)));
      at += length + 3 & ~3;
    }
    return true;
  }

  private static Row row(Bytes message) {
    Map<Integer, Bytes> attributes = new HashMap<>();
    int at = MESSAGE_BYTES;
    while (at + 4 <= message.length() && message.u16(at) >= 4) {
      attributes.put(message.u16(at + 2), message.slice(at + 4, message.u16(at) - 4));
      at += message.u16(at) + 3 & ~3;
    }
    Bytes queue = attributes.getOrDefault(UNIX_DIAG_RQLEN, Bytes.zeros(8));
    return new Row(message.u8(1), message.u8(2), u32(message, 4),
        attributes.getOrDefault(UNIX_DIAG_NAME, Bytes.EMPTY),
        Optional.ofNullable(attributes.get(UNIX_DIAG_VFS)).map(vfs -> u32(vfs, 0)),
        Optional.ofNullable(attributes.get(UNIX_DIAG_PEER)).map(peer -> u32(peer, 0)),
        numbers(attributes.getOrDefault(UNIX_DIAG_ICONS, Bytes.EMPTY)), queue.u32(0), queue.u32(4),
        attributes.getOrDefault(UNIX_DIAG_SHUTDOWN, Bytes.zeros(1)).u8(0));
  }

  private static List<Long> numbers(Bytes words) {
    var numbers = new ArrayList<Long>();
    for (int at = 0; at + 4 <= words.length(); at += 4) {
      numbers.add(u32(words, at));
    }
    return List.copyOf(numbers);
  }

  private static long u32(Bytes bytes, int at) {
    return bytes.u32(at) & 0xffffffffL;
  }
}
