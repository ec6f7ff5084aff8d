package stasis.kinds.file.packet;

import java.util.ArrayList;
import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

/// What sock_diag(7) says of packet sockets (linux/packet_diag.h).
final class PacketDiag {
  /// @param memberships struct packet_mreq, as often as it was joined
  /// @param protocol as in the header of its packets, in this machine's order
  record Found(int protocol, boolean hasRing, boolean hasFanout, List<Bytes> memberships) {}

  static final int REQUEST_BYTES = 16;
  private static final int AF_NETLINK = 16;
  private static final int AF_PACKET = 17;
  private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
  private static final int NETLINK_SOCK_DIAG = 4;
  private static final int SOCK_DIAG_BY_FAMILY = 20;
  private static final int REQUEST_DUMP = 0x301;
  private static final int NLMSG_DONE = 3;
  /// PACKET_SHOW_MCLIST, RING_CFG and FANOUT.
  private static final int SHOW = 0x2 | 0x4 | 0x8;
  private static final int MCLIST = 1;
  private static final int RX_RING = 2;
  private static final int TX_RING = 3;
  private static final int FANOUT = 4;
  private static final int MCLIST_BYTES = 44;
  private static final int ADDRESS_BYTES = 8;
  private static final int MOST_TIMES = 1024;
  private static final int HEADER_BYTES = 16;
  private static final int MESSAGE_BYTES = 16;
  private static final int ROOM_BYTES = 1 << 16;

  private PacketDiag() {}

  static Found of(OpenFile file) throws ObstructedException {
    Answer socket = require(file, file.ask(Nr.SOCKET, Arg.imm(AF_NETLINK), Arg.imm(SOCK_RAW_CLOEXEC),
        Arg.imm(NETLINK_SOCK_DIAG)));
    Arg netlink = Arg.imm(socket.result());
    try {
      Bytes request = Bytes.ofU32(HEADER_BYTES + 20, SOCK_DIAG_BY_FAMILY | REQUEST_DUMP << 16, 0, 0)
          .concat(Bytes.ofU32(AF_PACKET, 0, SHOW, 0, 0));
      require(file, file.ask(Nr.SENDTO, netlink, Arg.data(request), Arg.imm(request.length()), Arg.imm(0), Arg.imm(0),
          Arg.imm(0)));
      while (true) {
        Answer answer = require(file, file.ask(Nr.RECVFROM, netlink, Arg.space(ROOM_BYTES), Arg.imm(ROOM_BYTES),
            Arg.imm(0), Arg.imm(0), Arg.imm(0)));
        Bytes messages = answer.output(1).slice(0, (int) answer.result());
        for (int at = 0; at + HEADER_BYTES <= messages.length();) {
          int length = messages.u32(at);
          int type = messages.u16(at + 4);
          if (type == NLMSG_DONE || length < HEADER_BYTES || at + length > messages.length()) {
            throw new ObstructedException(file.subject(), "the kernel does not list it", "");
          }
          if (type != SOCK_DIAG_BY_FAMILY) {
            throw new ObstructedException(file.subject(), "its memberships cannot be had",
                "a kernel with CONFIG_PACKET_DIAG is needed");
          }
          if (Integer.toUnsignedLong(messages.u32(at + HEADER_BYTES + 4)) == file.facts().inode()) {
            return found(messages.u16(at + HEADER_BYTES + 2),
                messages.slice(at + HEADER_BYTES + MESSAGE_BYTES, length - HEADER_BYTES - MESSAGE_BYTES));
          }
          at += length + 3 & -4;
        }
      }
    } finally {
      file.ask(Nr.CLOSE, netlink);
    }
  }

  /// struct nlattr, one after the other.
  private static Found found(int protocol, Bytes attributes) {
    boolean ring = false;
    boolean fanout = false;
    var memberships = new ArrayList<Bytes>();
    for (int at = 0; at + 4 <= attributes.length() && attributes.u16(at) >= 4;) {
      int length = attributes.u16(at);
      int type = attributes.u16(at + 2);
      ring |= type == RX_RING || type == TX_RING;
      fanout |= type == FANOUT;
      if (type == MCLIST) {
        for (int entry = at + 4; entry + MCLIST_BYTES <= at + length; entry += MCLIST_BYTES) {
          add(attributes.slice(entry, MCLIST_BYTES), memberships);
        }
      }
      at += length + 3 & -4;
    }
    return new Found(protocol, ring, fanout, memberships);
  }

  /// struct packet_diag_mclist: index, count, type and length of the address, and 32 bytes for that.
  private static void add(Bytes entry, List<Bytes> memberships) {
    Bytes request = entry.slice(0, 4).concat(entry.slice(8, 4)).concat(entry.slice(12, ADDRESS_BYTES));
    for (int i = 0; i < Math.min(MOST_TIMES, entry.u32(4)); i++) {
      memberships.add(request);
    }
  }

  private static Answer require(OpenFile file, Answer answer) throws ObstructedException {
    if (answer.failed()) {
      throw new ObstructedException(file.subject(), "what it listens to cannot be had: " + Errno.of(answer.result()),
          "a kernel with CONFIG_PACKET_DIAG is needed");
    }
    return answer;
  }
}
