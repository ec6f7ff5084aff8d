package stasis.kinds.socket;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Script;

/// What sock_diag(7) says of TCP sockets of the engine's network namespace.
public final class SocketDiag {
  /// @param state TCP_ESTABLISHED and so on @param unreadBytes in its receive queue @param inode 0 when no fd leads to
  ///     it: not accepted yet, or closed
  public record Found(int state, Remains id, Bytes host, Bytes peerHost, int peerPort, int unreadBytes, long inode) {
    /// @param port of its own
    public SocketAddress local(int port) {
      return SocketAddress.of(host, port, id.id().u32(INTERFACE_AT));
    }

    public SocketAddress peer() {
      return SocketAddress.of(peerHost, peerPort, id.id().u32(INTERFACE_AT));
    }
  }

  /// What may be left of a connection when its program is gone: it keeps a port for a minute (TIME_WAIT).
  ///
  /// @param id struct inet_diag_sockid, with the cookie that TIME_WAIT inherits and that nothing else ever has
  public record Remains(@Tag(1) int family, @Tag(2) Bytes id) {
    public Remains {
      if (id.length() != ID_BYTES) {
        throw new IllegalArgumentException("an id of " + id.length() + " bytes");
      }
    }
  }

  private static final int LOOPBACK_IFINDEX = 1;
  private static final int INTERFACE_AT = 36;
  private static final int ID_BYTES = 48;
  private static final int SOCK_DESTROY = 21;
  private static final int SO_COOKIE = 57;
  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
  private static final int NETLINK_SOCK_DIAG = 4;
  private static final int SOCK_DIAG_BY_FAMILY = 20;
  private static final int NLM_F_REQUEST = 1;
  private static final int NLM_F_DUMP = 0x300;
  private static final int NLMSG_DONE = 3;
  private static final int IPPROTO_TCP = 6;
  private static final int IPPROTO_MPTCP = 262;
  private static final int INET_DIAG_REQ_PROTOCOL = 3;
  private static final int PROTOCOL_BYTES = 8;
  private static final int REQUEST_BYTES = 72;
  private static final int HEADER_BYTES = 16;
  private static final int MESSAGE_BYTES = 72;
  private static final int ROOM_BYTES = 65_536;
  private static final int ONE_BYTES = 1024;

  private SocketDiag() {}

  /// The socket at the other end of a connection: `local` is its peer. Empty when it is not in this namespace.
  public static Optional<Found> otherEnd(OpenFile asker, SocketAddress local, SocketAddress peer)
      throws ObstructedException {
    Bytes request = request(peer.host().length(), NLM_F_REQUEST, -1, id(peer, local));
    return ask(asker, request, false).stream().filter(found -> found.peerPort() == local.port()
        && found.peerHost().equals(local.host())).findFirst();
  }

  /// Those with this local port that no fd leads to and that wait to be accepted.
  public static List<Found> unaccepted(OpenFile asker, SocketAddress listener) throws ObstructedException {
    return onPort(asker, listener, 1 << TcpState.ESTABLISHED | 1 << TcpState.CLOSE_WAIT).stream()
        .filter(found -> found.inode() == 0).toList();
  }

  /// Those that listen at this port, whatever their address.
  public static List<Found> listening(OpenFile asker, SocketAddress local) throws ObstructedException {
    return onPort(asker, local, 1 << TcpState.LISTEN);
  }

  /// Connections with this local port whose handshake has begun.
  public static List<Found> handshakes(OpenFile asker, SocketAddress listener) throws ObstructedException {
    return onPort(asker, listener, 1 << TcpState.SYN_RECV).stream().filter(found -> found.inode() == 0).toList();
  }

  /// The socket of Multipath TCP that has a connection between these addresses; one of inode 0 was closed, or waits to
  /// be accepted.
  public static Optional<Found> multipath(OpenFile asker, SocketAddress local, SocketAddress peer)
      throws ObstructedException {
    Bytes ports = local.bytes().slice(2, 2).concat(peer.bytes().slice(2, 2)).concat(Bytes.zeros(44));
    for (int hostBytes : new int[] {4, 16}) {
      Bytes request = request(hostBytes, NLM_F_REQUEST | NLM_F_DUMP, -1, ports)
          .withU32(0, REQUEST_BYTES + PROTOCOL_BYTES)
          .concat(Bytes.ofU32(PROTOCOL_BYTES | INET_DIAG_REQ_PROTOCOL << 16, IPPROTO_MPTCP));
      Optional<Found> found = ask(asker, request, true).stream().filter(one -> one.host().equals(local.host())
          && one.peerHost().equals(peer.host()) && one.peerPort() == peer.port()).findFirst();
      if (found.isPresent()) {
        return found;
      }
    }
    return Optional.empty();
  }

  /// All connections with this local port, those in TIME_WAIT too.
  public static List<Remains> remains(OpenFile asker, SocketAddress listener) throws ObstructedException {
    return onPort(asker, listener, ~(1 << TcpState.LISTEN)).stream().map(Found::id).toList();
  }

  private static List<Found> onPort(OpenFile asker, SocketAddress local, int states) throws ObstructedException {
    var all = new ArrayList<Found>();
    Bytes port = local.bytes().slice(2, 2);
    for (int hostBytes : new int[] {4, 16}) {
      Bytes request = request(hostBytes, NLM_F_REQUEST | NLM_F_DUMP, states, port.concat(Bytes.zeros(46)));
      all.addAll(ask(asker, request, true));
    }
    return all;
  }

  /// The asking file's own connection.
  public static Remains own(OpenFile asker, SocketAddress local, SocketAddress peer) {
    Bytes cookie = SocketOption.read(asker, OptionTable.SOL_SOCKET, SO_COOKIE, 8).orElse(Bytes.ofU32(-1, -1));
    return new Remains(local.host().length() == 4 ? SocketAddress.AF_INET : SocketAddress.AF_INET6,
        id(local, peer).slice(0, ID_BYTES - 8).concat(cookie));
  }

  /// Appends the removal of what is left of them.
  public static void clear(List<Remains> remains, Script script) {
    if (remains.isEmpty()) {
      return;
    }
    Arg netlink = Arg.result(script.call(Nr.SOCKET, "for what is left of old connections", Arg.imm(AF_NETLINK),
        Arg.imm(SOCK_RAW_CLOEXEC), Arg.imm(NETLINK_SOCK_DIAG)));
    for (Remains one : remains) {
      Bytes request = Bytes.ofU32(REQUEST_BYTES, SOCK_DESTROY | NLM_F_REQUEST << 16, 0, 0)
          .concat(Bytes.ofU32(one.family() | IPPROTO_TCP << 8, -1)).concat(one.id());
      // Where nothing is left, or it may not be removed, that comes as a message nobody reads.
      script.call(Nr.SENDTO, "TIME_WAIT gives its port up", netlink, Arg.data(request), Arg.imm(request.length()),
          Arg.imm(0), Arg.imm(0), Arg.imm(0));
    }
    script.call(Nr.CLOSE, "of the search", netlink);
  }

  /// Whom the socket with this inode sends SYNs to.
  public static Optional<SocketAddress> connecting(OpenFile asker, SocketAddress local, long inode)
      throws ObstructedException {
    Bytes request = request(local.family() == SocketAddress.AF_INET ? 4 : 16, NLM_F_REQUEST | NLM_F_DUMP,
        1 << TcpState.SYN_SENT, local.bytes().slice(2, 2).concat(Bytes.zeros(46)));
    return ask(asker, request, true).stream().filter(found -> found.inode() == inode).findFirst()
        .map(Found::peer);
  }

  /// struct inet_diag_sockid: ports, hosts of 16 bytes each, interface, cookie (INET_DIAG_NOCOOKIE).
  private static Bytes id(SocketAddress source, SocketAddress destination) {
    return source.bytes().slice(2, 2).concat(destination.bytes().slice(2, 2)).concat(wide(source.host()))
        .concat(wide(destination.host())).concat(Bytes.ofU32(interfaceBetween(source, destination), -1, -1));
  }

  /// A socket that is bound to an interface is found by that alone. What stays on a host goes by lo, link-local
  /// addresses by their own.
  private static int interfaceBetween(SocketAddress source, SocketAddress destination) {
    int scope = Math.max(source.scope(), destination.scope());
    return scope == 0 ? LOOPBACK_IFINDEX : scope;
  }

  private static Bytes wide(Bytes host) {
    return host.concat(Bytes.zeros(16 - host.length()));
  }

  /// struct nlmsghdr and struct inet_diag_req_v2 (linux/inet_diag.h).
  private static Bytes request(int hostBytes, int flags, int states, Bytes id) {
    int family = hostBytes == 4 ? SocketAddress.AF_INET : SocketAddress.AF_INET6;
    return Bytes.ofU32(REQUEST_BYTES, SOCK_DIAG_BY_FAMILY | flags << 16, 0, 0)
        .concat(Bytes.ofU32(family | IPPROTO_TCP << 8, states)).concat(id);
  }

  private static List<Found> ask(OpenFile asker, Bytes request, boolean all) throws ObstructedException {
    Answer socket = require(asker, asker.ask(Nr.SOCKET, Arg.imm(AF_NETLINK), Arg.imm(SOCK_RAW_CLOEXEC),
        Arg.imm(NETLINK_SOCK_DIAG)));
    Arg netlink = Arg.imm(socket.result());
    try {
      require(asker, asker.ask(Nr.SENDTO, netlink, Arg.data(request), Arg.imm(request.length()), Arg.imm(0),
          Arg.imm(0), Arg.imm(0)));
      var found = new ArrayList<Found>();
      int room = all ? ROOM_BYTES : ONE_BYTES;
      boolean more = true;
      while (more) {
        Answer answer = require(asker, asker.ask(Nr.RECVFROM, netlink, Arg.space(room), Arg.imm(room), Arg.imm(0),
            Arg.imm(0), Arg.imm(0)));
        more = parse(answer.output(1).slice(0, (int) answer.result()), found) && all;
      }
      return found;
    } finally {
      asker.ask(Nr.CLOSE, netlink);
    }
  }

  /// @return whether more may follow
  private static boolean parse(Bytes messages, List<Found> into) {
    int at = 0;
    while (at + HEADER_BYTES <= messages.length()) {
      int length = messages.u32(at);
      int type = messages.u16(at + 4);
      if (type != SOCK_DIAG_BY_FAMILY || length < HEADER_BYTES + MESSAGE_BYTES || at + length > messages.length()) {
        // NLMSG_DONE, or NLMSG_ERROR: ENOENT.
        return type != NLMSG_DONE && type == SOCK_DIAG_BY_FAMILY;
      }
      Bytes message = messages.slice(at + HEADER_BYTES, MESSAGE_BYTES);
      int hostBytes = message.u8(0) == SocketAddress.AF_INET ? 4 : 16;
      into.add(new Found(message.u8(1), new Remains(message.u8(0), message.slice(4, ID_BYTES)),
          host(message.slice(8, hostBytes)), host(message.slice(24, hostBytes)),
          message.u8(6) << 8 | message.u8(7), message.u32(56), Integer.toUnsignedLong(message.u32(68))));
      at += length + 3 & -4;
    }
    return true;
  }

  private static Bytes host(Bytes told) {
    return SocketAddress.of(told, 0).host();
  }

  private static Answer require(OpenFile asker, Answer answer) throws ObstructedException {
    if (answer.failed()) {
      throw new ObstructedException(asker.subject(), "its peer cannot be looked for: " + Errno.of(answer.result()),
          "a kernel with CONFIG_INET_DIAG is needed");
    }
    return answer;
  }
}
