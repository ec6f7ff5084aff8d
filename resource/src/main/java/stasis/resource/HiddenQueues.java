package stasis.resource;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;

/// What lies in the queues of an internet socket and no call shows: the kernel's memory does.
public interface HiddenQueues {
  /// A connection of a listener that nobody has accepted.
  ///
  /// @param state TCP_ESTABLISHED and so on @param host its own, 4 or 16 bytes @param peerHost of the client
  /// @param interfaceIndex it is bound to, or 0
  /// @param received sequence number of the next byte to come, a FIN counted @param unread all it was ever sent
  record Waiting(int state, Bytes host, int port, Bytes peerHost, int peerPort, int interfaceIndex, int received,
      Bytes unread) {}

  /// A datagram that waits for more (UDP_CORK, MSG_MORE).
  ///
  /// @param peerHost whom it is for @param plain whether nothing of it was asked for by control messages
  record Corked(Bytes peerHost, int peerPort, Bytes payload, boolean plain) {}

  /// A datagram that was not read.
  ///
  /// @param host of its sender, 4 or 16 bytes
  record Arrived(Bytes host, int port, int lengthBytes) {}

  /// Those of a UDP socket, the oldest first; those too that a peek passes over.
  List<Arrived> datagrams() throws ObstructedException;

  /// Those of a listener, the next to be accepted first.
  List<Waiting> unaccepted() throws ObstructedException;

  /// What a TCP socket has received and not been asked for, out-of-band bytes too.
  ///
  /// @param first sequence number of it @param end of what comes behind it
  Bytes received(int first, int end) throws ObstructedException;

  /// What a socket of Multipath TCP was given to send and its peer has not acknowledged.
  ///
  /// @param first sequence number of it
  Bytes multipath(long first, int lengthBytes) throws ObstructedException;

  /// What a UDP socket holds back; empty when it holds back nothing.
  Optional<Corked> corked() throws ObstructedException;
}
