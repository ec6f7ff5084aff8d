package stasis.kinds.file.tcp;

import java.util.List;
import java.util.Optional;
import stasis.kinds.TcpPeers;
import stasis.kinds.file.Readiness;
import stasis.kinds.file.tcp.TcpSocket.Phase;
import stasis.kinds.file.tcp.TcpSocket.State;
import stasis.kinds.socket.SocketAddress;
import stasis.kinds.socket.SocketDiag;
import stasis.kinds.socket.SocketOption;
import stasis.kinds.socket.TcpState;
import stasis.linux.abi.Bytes;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

/// How a socket of Multipath TCP that has, or had, a connection is described.
///
/// @param outside what becomes of connections whose peer is outside the tree
record MultipathDescriber(TcpPeers outside) {
  private static final String OVER_TCP = "run the program over TCP (Go: GODEBUG=multipathtcp=0)";

  /// @param all its options @param info struct tcp_info of its first subflow
  State connected(OpenFile file, SocketAddress local, SocketAddress peer, List<SocketOption> all, Bytes info)
      throws ObstructedException {
    // A subflow stays as it was until all is over: only the socket's own state counts.
    int state = SocketDiag.multipath(file, local, peer).map(SocketDiag.Found::state).orElse(TcpState.CLOSE);
    if (!TcpState.isConnected(state)) {
      return ended(file, local, all);
    }
    if (MultipathEnd.of(file).isEmpty()) {
      return fallen(file, local, peer, all);
    }
    Optional<SocketDiag.Found> other = SocketDiag.multipath(file, peer, local);
    if (other.isPresent() && Unaccepted.isWaiting(file, peer, other.get()) && !hasHeardFin(state)) {
      return unaccepted(file, local, peer, all, state);
    }
    Optional<OpenFile> otherEnd = other.filter(found -> found.inode() != 0).flatMap(found ->
        file.tree().stream().filter(one -> one.facts().inode() == found.inode()).findFirst());
    boolean closed = other.isPresent() && other.get().inode() == 0;
    if (otherEnd.isEmpty() && !(closed && hasHeardFin(state))) {
      return outside(file, local, peer, all);
    }
    int otherState = other.map(SocketDiag.Found::state).orElse(TcpState.CLOSE);
    if (TcpState.hasSentFin(state) && TcpState.hasSentFin(otherState)) {
      throw new ObstructedException(file.subject(), "both ends of its connection are being shut down", "try again");
    }
    Connection end = MultipathEnd.read(file, otherEnd, state, otherState, info);
    State plain = State.of(file, local, Optional.of(peer), Describer.withoutFastOpen(all), Phase.UNACCEPTED);
    return plain.joined(end, remains(file, local, peer));
  }

  private static boolean hasHeardFin(int state) {
    return TcpState.hasReceivedFin(state);
  }

  static State ended(OpenFile file, SocketAddress local, List<SocketOption> all) throws ObstructedException {
    boolean untold = (Readiness.of(file, 0) & Readiness.ERROR) != 0;
    return State.of(file, local, Optional.empty(), all, Phase.IDLE)
        .ended(untold ? Bytes.EMPTY : MultipathEnd.peek(file), untold);
  }

  /// One whose peer speaks TCP alone.
  private State fallen(OpenFile file, SocketAddress local, SocketAddress peer, List<SocketOption> all)
      throws ObstructedException {
    if (SocketDiag.otherEnd(file, local, peer).filter(found -> file.isSocketOfTree(found.inode())).isPresent()) {
      MultipathEnd.require(file);
    }
    return outside(file, local, peer, all);
  }

  private State outside(OpenFile file, SocketAddress local, SocketAddress peer, List<SocketOption> all)
      throws ObstructedException {
    String whom = "it is connected from " + local + " to " + peer + " over Multipath TCP";
    return switch (outside) {
      case REFUSE -> throw new ObstructedException(file.subject(), whom + ", which is outside the program",
          "checkpoint both ends together, or give it up with --tcp-close");
      case KEEP -> throw new ObstructedException(file.subject(), whom + ", which is outside the program: the kernel"
          + " lets nobody repair such a connection", OVER_TCP);
      case CLOSE -> State.of(file, local, Optional.of(peer), Describer.withoutFastOpen(all), Phase.UNACCEPTED)
          .ended(MultipathEnd.peek(file), true);
    };
  }

  /// It connects again, and speaks Multipath TCP again.
  private static State unaccepted(OpenFile file, SocketAddress local, SocketAddress peer, List<SocketOption> all,
      int state) throws ObstructedException {
    MultipathEnd end = MultipathEnd.require(file);
    boolean saidFin = TcpState.hasSentFin(state);
    if (end.sentBytes() != 0 || end.written() != end.acknowledged()) {
      throw new ObstructedException(file.subject(), "it has sent data over Multipath TCP to " + peer
          + ", which has not accepted it yet", "let the server accept it before the checkpoint");
    }
    int shut = (Readiness.of(file, Readiness.READ_SHUT) & Readiness.READ_SHUT) != 0 ? 1 : 0;
    List<SocketOption> options = Multipath.options(file, local.family(), Describer.withoutFastOpen(all));
    return State.of(file, local, Optional.of(peer), options, Phase.UNACCEPTED).unheard(new Unaccepted.Unheard(Bytes.EMPTY,
        shut | (saidFin ? 2 : 0)), remains(file, local, peer));
  }

  /// Its subflow, which may outlive its program.
  private static List<SocketDiag.Remains> remains(OpenFile file, SocketAddress local, SocketAddress peer)
      throws ObstructedException {
    return SocketDiag.otherEnd(file, /* local= */ peer, /* peer= */ local).map(SocketDiag.Found::id).map(List::of)
        .orElse(List.of());
  }
}
