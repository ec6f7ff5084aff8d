package stasis.kinds.file.tcp;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Tag;
import stasis.kinds.AddressMap;
import stasis.kinds.TcpPeers;
import stasis.kinds.socket.SocketAddress;
import stasis.kinds.socket.SocketDiag;
import stasis.kinds.socket.TcpState;
import stasis.linux.abi.Bytes;
import stasis.resource.HiddenQueues;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

/// Connections that a listener of the tree has not accepted. Nobody has an fd of such an end: what it has received the
/// kernel's memory shows, and it comes back by connecting and sending anew.
final class Unaccepted {
  /// What a client has sent to who has not accepted it.
  ///
  /// @param sent all of it, whether it has come there or not @param shut by shutdown(2): 1 for reading, 2 for writing
  record Unheard(@Tag(1) Bytes sent, @Tag(2) int shut) {}

  /// A client that was closed before it was accepted.
  ///
  /// @param from sockaddr of it @param to sockaddr it connected to @param sent all of it @param reset whether it ended
  ///     by a reset (SO_LINGER)
  record Visitor(@Tag(1) Bytes from, @Tag(2) Bytes to, @Tag(3) Bytes sent, @Tag(4) boolean reset) {
    Visitor mapped(AddressMap map) {
      return new Visitor(new SocketAddress(from).mapped(map).bytes(), new SocketAddress(to).mapped(map).bytes(), sent,
          reset);
    }
  }

  /// What waits at a listener.
  ///
  /// @param ours how many clients in the tree connect again by themselves @param remains what is left of closed clients
  /// @param told what is dropped
  record Queue(int ours, List<Visitor> visitors, List<SocketDiag.Remains> remains, List<String> told) {
  }

  private static final String ACCEPT = "let the program accept it before the checkpoint, or drop it with --tcp-close";

  private Unaccepted() {}

  /// Whether the other end of a connection waits at a listener of the tree, or is still a handshake there.
  static boolean isWaiting(OpenFile client, SocketAddress peer, SocketDiag.Found other) throws ObstructedException {
    return other.inode() == 0 && (TcpState.isOpen(other.state()) || other.state() == TcpState.SYN_RECV)
        && listener(client, peer).isPresent();
  }

  private static Optional<OpenFile> listener(OpenFile client, SocketAddress at) throws ObstructedException {
    List<Long> inodes = SocketDiag.listening(client, at).stream()
        .filter(found -> SocketAddress.of(found.host(), at.port()).isAnyHost() || found.host().equals(at.host()))
        .map(SocketDiag.Found::inode).toList();
    return client.tree().stream().filter(file -> inodes.contains(file.facts().inode())).findFirst();
  }

  /// @param end of the client, as it was read
  static Unheard unheard(OpenFile client, SocketAddress local, SocketAddress peer, SocketDiag.Found other,
      Connection end) throws ObstructedException {
    if (end.urgentOut().isPresent()) {
      throw new ObstructedException(client.subject(), "it has sent urgent data to " + peer
          + ", which has not accepted it yet", "let the server accept it before the checkpoint");
    }
    Bytes queued = end.unacked().concat(end.unsent());
    int shut = (end.shutRead() ? 1 : 0) | (TcpState.hasSentFin(end.state()) ? 2 : 0);
    if (!end.unread().isEmpty() || other.state() == TcpState.SYN_RECV && !queued.isEmpty()) {
      throw new ObstructedException(client.subject(), "its handshake with " + peer + " is not over, and data are on"
          + " their way", "let the server accept it before the checkpoint");
    }
    if (other.state() == TcpState.SYN_RECV || other.unreadBytes() == 0) {
      return new Unheard(queued, shut);
    }
    Optional<HiddenQueues.Waiting> there = find(client, local, peer);
    if (there.isEmpty()) {
      throw new ObstructedException(client.subject(), "it has sent data to " + peer + ", which has not accepted it yet",
          "let the server accept it before the checkpoint, or run with CAP_BPF and CAP_PERFMON");
    }
    HiddenQueues.Waiting server = there.get();
    int come = server.received() - (TcpState.hasReceivedFin(server.state()) ? 1 : 0);
    int known = come - (end.sendSeq() - queued.length());
    if (known < 0 || known > queued.length()) {
      throw new ObstructedException(client.subject(), "its data and those that " + peer + " has do not fit together",
          "try again");
    }
    return new Unheard(server.unread().concat(queued.slice(known, queued.length() - known)), shut);
  }

  /// Several listeners may share the port.
  private static Optional<HiddenQueues.Waiting> find(OpenFile client, SocketAddress local, SocketAddress peer)
      throws ObstructedException {
    List<Long> inodes = SocketDiag.listening(client, peer).stream().map(SocketDiag.Found::inode).toList();
    for (OpenFile file : client.tree()) {
      Optional<HiddenQueues> queues = inodes.contains(file.facts().inode()) ? file.hiddenQueues() : Optional.empty();
      if (queues.isPresent()) {
        for (HiddenQueues.Waiting waiting : queues.get().unaccepted()) {
          if (isAt(waiting.peerHost(), waiting.peerPort(), local) && isAt(waiting.host(), waiting.port(), peer)) {
            return Optional.of(waiting);
          }
        }
      }
    }
    return Optional.empty();
  }

  private static boolean isAt(Bytes host, int port, SocketAddress address) {
    return SocketAddress.of(host, port).host().equals(address.host()) && port == address.port();
  }

  /// Those of a listener of Multipath TCP, whose queue is not its own: what came there is not seen. All of the tree
  /// connect again, whether they speak it or not.
  static Queue atMultipath(OpenFile listener, SocketAddress local, TcpPeers outside) throws ObstructedException {
    int ours = 0;
    var told = new ArrayList<String>();
    for (SocketDiag.Found found : SocketDiag.unaccepted(listener, local)) {
      SocketAddress here = found.local(local.port());
      if (isOurs(listener, other(listener, here, found.peer()))) {
        ours++;
      } else {
        drop(listener, here, found.peer(), outside);
        told.add("the connection from " + found.peer() + " to " + here + " that it has not accepted is dropped");
      }
    }
    return new Queue(ours, List.of(), List.of(), told);
  }

  /// @param count how many wait, as TCP_INFO says @param outside what becomes of those whose client is outside
  static Queue at(OpenFile listener, SocketAddress local, int count, TcpPeers outside) throws ObstructedException {
    var told = new ArrayList<String>();
    for (SocketDiag.Found shaking : SocketDiag.handshakes(listener, local)) {
      SocketAddress peer = shaking.peer();
      if (!isOurs(listener, other(listener, shaking.local(local.port()), peer))) {
        told.add("the handshake that " + peer + " has begun with it is dropped");
      }
    }
    if (count == 0) {
      return new Queue(0, List.of(), List.of(), told);
    }
    var visitors = new ArrayList<Visitor>();
    var remains = new ArrayList<SocketDiag.Remains>();
    int ours = 0;
    for (HiddenQueues.Waiting waiting : waiting(listener, local)) {
      // One that was reset has no port of its own any more.
      SocketAddress here = SocketAddress.of(waiting.host(), local.port(), waiting.interfaceIndex());
      SocketAddress peer = SocketAddress.of(waiting.peerHost(), waiting.peerPort(), waiting.interfaceIndex());
      Optional<SocketDiag.Found> other = other(listener, here, peer);
      if (isOurs(listener, other)) {
        ours++;
      } else if (isClosed(waiting, other) && peer.isOnHost(listener)) {
        visitors.add(new Visitor(peer.in(local.family()).bytes(), here.in(local.family()).bytes(), waiting.unread(),
            waiting.state() == TcpState.CLOSE));
        other.ifPresent(left -> remains.add(left.id()));
      } else {
        drop(listener, here, peer, waiting.state() == TcpState.CLOSE ? TcpPeers.CLOSE : outside);
        told.add("the connection from " + peer + " to " + here + " that it has not accepted is dropped");
      }
    }
    return new Queue(ours, visitors, remains, told);
  }

  private static Optional<SocketDiag.Found> other(OpenFile listener, SocketAddress here, SocketAddress peer)
      throws ObstructedException {
    return SocketDiag.otherEnd(listener, here, peer);
  }

  private static boolean isOurs(OpenFile listener, Optional<SocketDiag.Found> other) {
    return other.filter(found -> found.inode() != 0 && listener.isSocketOfTree(found.inode())).isPresent();
  }

  /// Whether its client has nothing left to say.
  private static boolean isClosed(HiddenQueues.Waiting waiting, Optional<SocketDiag.Found> other) {
    return (waiting.state() == TcpState.CLOSE_WAIT || waiting.state() == TcpState.CLOSE)
        && other.filter(found -> found.inode() != 0).isEmpty();
  }

  private static void drop(OpenFile listener, SocketAddress here, SocketAddress peer, TcpPeers outside)
      throws ObstructedException {
    if (outside == TcpPeers.REFUSE) {
      throw new ObstructedException(listener.subject(), "it has not accepted a connection from " + peer + " to " + here
          + ", whose peer is outside the program", ACCEPT);
    }
    if (outside == TcpPeers.KEEP) {
      throw new ObstructedException(listener.subject(), "it has not accepted a connection from " + peer + " to " + here
          + ": the kernel lets nobody make one that is to be accepted", ACCEPT);
    }
  }

  /// Without BPF those that are open, in no order, and nothing of what they received.
  private static List<HiddenQueues.Waiting> waiting(OpenFile listener, SocketAddress local)
      throws ObstructedException {
    Optional<HiddenQueues> queues = listener.hiddenQueues();
    if (queues.isPresent()) {
      return queues.get().unaccepted();
    }
    var waiting = new ArrayList<HiddenQueues.Waiting>();
    for (SocketDiag.Found found : SocketDiag.unaccepted(listener, local)) {
      SocketAddress peer = found.peer();
      if (found.unreadBytes() != 0
          && !isOurs(listener, other(listener, found.local(local.port()), peer))) {
        throw new ObstructedException(listener.subject(), "it has not accepted a connection from " + peer
            + ", which has sent data", "let the program accept it, or run with CAP_BPF and CAP_PERFMON");
      }
      waiting.add(new HiddenQueues.Waiting(found.state(), found.host(), local.port(), found.peerHost(),
          found.peerPort(), peer.scope(), 0, Bytes.EMPTY));
    }
    return waiting;
  }
}
