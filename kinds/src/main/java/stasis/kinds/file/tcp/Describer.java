package stasis.kinds.file.tcp;

import static stasis.kinds.file.tcp.TcpSocket.INFO_BYTES;
import static stasis.kinds.file.tcp.TcpSocket.IPPROTO_TCP;
import static stasis.kinds.file.tcp.TcpSocket.SOL_SOCKET;
import static stasis.kinds.file.tcp.TcpSocket.TCP_INFO;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.kinds.TcpPeers;
import stasis.kinds.file.Readiness;
import stasis.kinds.file.tcp.TcpSocket.Phase;
import stasis.kinds.file.tcp.TcpSocket.State;
import stasis.kinds.socket.OptionSet;
import stasis.kinds.socket.PacketWall;
import stasis.kinds.socket.SocketAddress;
import stasis.kinds.socket.SocketDiag;
import stasis.kinds.socket.SocketOption;
import stasis.kinds.socket.SocketOptions;
import stasis.kinds.socket.TcpState;
import stasis.linux.abi.Bytes;
import stasis.resource.HiddenSocket;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

/// How a TCP socket is described.
///
/// @param outside what becomes of connections whose peer is outside the tree
record Describer(TcpPeers outside) {
  private static final int IPPROTO_IPV6 = 41;
  private static final int IPV6_V6ONLY = 26;
  private static final int TCP_FASTOPEN_CONNECT = 30;
  private static final int TCP_ULP = 31;
  private static final int INFO_UNACKED_AT = 24;
  private static final int INFO_SACKED_AT = 28;
  private static final OptionSet OPTIONS = OptionSet.of(Set.of(SOL_SOCKET, 0, 41, IPPROTO_TCP), false);
  private static final OptionSet OPTIONS_OF_V4 = OptionSet.of(Set.of(SOL_SOCKET, 0, IPPROTO_TCP), false);
  private static final String CLOSE = "let the program close it before the checkpoint";

  State describe(OpenFile file) throws ObstructedException {
    Bytes info = SocketOption.read(file, IPPROTO_TCP, TCP_INFO, INFO_BYTES).filter(b -> b.length() == INFO_BYTES)
        .orElseThrow(() -> new ObstructedException(file.subject(), "TCP_INFO cannot be read", ""));
    String upper = SocketOption.read(file, IPPROTO_TCP, TCP_ULP, 16).map(Bytes::latin1).orElse("");
    boolean multipath = TcpSocket.isMultipath(file);
    if (!upper.isEmpty() && !multipath) {
      throw new ObstructedException(file.subject(), "the kernel does " + upper + " on it, whose keys cannot be read",
          "run the program without it");
    }
    SocketAddress local = SocketAddress.local(file);
    List<SocketOption> all = SocketOptions.undeafened(SocketOptions.of(file,
        local.family() == SocketAddress.AF_INET ? OPTIONS_OF_V4 : OPTIONS));
    int state = info.u8(0);
    if (multipath && state != TcpState.LISTEN && state != TcpState.SYN_SENT) {
      Optional<SocketAddress> peer = SocketAddress.peer(file);
      if (peer.isPresent()) {
        return new MultipathDescriber(outside).connected(file, local, peer.get(), all, info);
      }
      if ((Readiness.of(file, Readiness.READ_SHUT) & Readiness.READ_SHUT) != 0) {
        return MultipathDescriber.ended(file, local, all);
      }
    }
    List<SocketOption> options = multipath ? Multipath.options(file, local.family(), all) : all;
    return switch (state) {
      case TcpState.CLOSE -> idle(file, local, options).at(new Seat(!local.isOnHost(file), false));
      case TcpState.LISTEN -> State.of(file, local, Optional.empty(), options, Phase.LISTENING).listening(
          info.u32(INFO_SACKED_AT), multipath ? Unaccepted.atMultipath(file, local, outside)
              : Unaccepted.at(file, local, info.u32(INFO_UNACKED_AT), outside),
          TcpSocket.reuse(options) != 0 ? List.of() : SocketDiag.remains(file, local))
          .at(new Seat(!local.isOnHost(file), SocketDiag.listening(file, local).size() > 1));
      case TcpState.SYN_SENT -> connecting(file, local, options);
      default -> {
        if (state == TcpState.SYN_RECV) {
          throw new ObstructedException(file.subject(), "its handshake (Fast Open) is not over", "try again");
        }
        if (!TcpState.isConnected(state)) {
          throw new ObstructedException(file.subject(), "its state " + state + " is not known", CLOSE);
        }
        yield connected(file, local, options, info);
      }
    };
  }

  private static State idle(OpenFile file, SocketAddress local, List<SocketOption> options)
      throws ObstructedException {
    State idle = State.of(file, local, Optional.empty(), options, Phase.IDLE);
    int ready = Readiness.of(file, Readiness.READ_SHUT);
    return (ready & (Readiness.READ_SHUT | Readiness.ERROR)) == 0 ? idle
        : idle.ended(Connection.leftUnread(file), (ready & Readiness.ERROR) != 0);
  }

  private static State connecting(OpenFile file, SocketAddress local, List<SocketOption> options)
      throws ObstructedException {
    if (file.hiddenSocket().flatMap(HiddenSocket::stream).filter(HiddenSocket.Stream::openingData).isPresent()) {
      throw new ObstructedException(file.subject(), "it has sent data with its SYN (Fast Open), and nobody has"
          + " answered", "let its handshake end before the checkpoint");
    }
    SocketAddress peer = SocketDiag.connecting(file, local, file.facts().inode()).orElseThrow(
        () -> new ObstructedException(file.subject(), "whom it connects to cannot be found", CLOSE));
    return State.of(file, local, Optional.of(peer.in(local.family())), options, Phase.CONNECTING);
  }

  private State connected(OpenFile file, SocketAddress local, List<SocketOption> options, Bytes info)
      throws ObstructedException {
    SocketAddress peer = SocketAddress.peer(file).orElseThrow(
        () -> new ObstructedException(file.subject(), "it has no peer in state " + info.u8(0), CLOSE));
    List<SocketOption> kept = withoutFastOpen(options);
    Optional<SocketDiag.Found> other = SocketDiag.otherEnd(file, local, peer);
    State state = State.of(file, local, Optional.of(peer), kept, Phase.UNACCEPTED);
    if (other.isPresent() && Unaccepted.isWaiting(file, peer, other.get())) {
      Connection end = Connection.read(file, Connection.Peer.TREE, info, TcpSocket.reuse(options));
      return state.unheard(Unaccepted.unheard(file, local, peer, other.get(), end),
          List.of(SocketDiag.own(file, local, peer)));
    }
    Connection.Peer whose = whose(file, info.u8(0), other);
    if (whose == Connection.Peer.OUTSIDE && outside == TcpPeers.REFUSE) {
      throw new ObstructedException(file.subject(), "it is connected from " + local + " to " + peer
          + ", which is outside the program", "checkpoint both ends together, keep the connection with"
          + " --tcp-established, or give it up with --tcp-close");
    }
    if (whose == Connection.Peer.OUTSIDE && outside == TcpPeers.KEEP) {
      PacketWall.build(file);
    }
    Connection end = Connection.read(file, whose, info, TcpSocket.reuse(options));
    if (whose == Connection.Peer.OUTSIDE && outside == TcpPeers.CLOSE) {
      if (end.urgentIn().filter(mark -> !mark.taken()).isPresent()) {
        throw new ObstructedException(file.subject(), "a connection that is given up loses the urgent byte that it has"
            + " not read", "let the program read it before the checkpoint");
      }
      return state.ended(end.unreadStream(), true);
    }
    // With timestamps a new connection may follow one in TIME_WAIT (net/ipv4/tcp_ipv4.c, tcp_twsk_unique()).
    List<SocketDiag.Remains> remains = end.has(Connection.INFO_TIMESTAMPS) ? List.of()
        : List.of(SocketDiag.own(file, local, peer));
    return state.joined(end, remains);
  }

  /// What was told, and what follows from the rest: bind(2) to an address of IPv6 sets IPV6_V6ONLY for good
  /// (net/ipv6/af_inet6.c, `__inet6_bind()`), which a socket that was accepted has of its listener.
  static List<Loss> told(State state) {
    List<Loss> told = new ArrayList<>(state.told().stream().map(Loss::of).toList());
    if (state.phase() == Phase.CONNECTED && state.family() == SocketAddress.AF_INET6 && !isMapped(state.local())
        && SocketOptions.value(state.options(), IPPROTO_IPV6, IPV6_V6ONLY).filter(on -> on.u32(0) == 0).isPresent()) {
      told.add(Loss.of("IPV6_V6ONLY will read 1 of it, whatever its listener has"));
    }
    return told;
  }

  /// ::ffff:0:0/96; bytes of a sockaddr_in6.
  private static boolean isMapped(Bytes address) {
    return address.length() >= 24 && address.slice(8, 10).equals(Bytes.zeros(10)) && address.u16(18) == 0xffff;
  }

  /// A connected socket has no use for TCP_FASTOPEN_CONNECT, and cannot be given it.
  static List<SocketOption> withoutFastOpen(List<SocketOption> options) {
    return options.stream()
        .filter(option -> option.level() != IPPROTO_TCP || option.name() != TCP_FASTOPEN_CONNECT).toList();
  }

  private static Connection.Peer whose(OpenFile file, int state, Optional<SocketDiag.Found> other) {
    if (other.isPresent() && other.get().inode() != 0 && file.isSocketOfTree(other.get().inode())) {
      return Connection.Peer.TREE;
    }
    boolean closed = other.isPresent() && other.get().inode() == 0;
    return closed && state == TcpState.CLOSE_WAIT ? Connection.Peer.NOBODY : Connection.Peer.OUTSIDE;
  }
}
