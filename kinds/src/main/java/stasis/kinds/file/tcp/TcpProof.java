package stasis.kinds.file.tcp;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.kinds.file.tcp.TcpSocket.Phase;
import stasis.kinds.file.tcp.TcpSocket.State;
import stasis.kinds.socket.SocketOption;
import stasis.linux.abi.Bytes;
import stasis.resource.Provable;

/// What a copy in a network of its own shows of a TCP socket.
final class TcpProof {
  /// SO_SNDBUF, SO_RCVBUF, SO_RCVLOWAT, SO_INCOMING_CPU of SOL_SOCKET: the kernel moves them by itself.
  private static final Set<Integer> MOVED = Set.of(7, 8, 18, 49);
  /// TCP_WINDOW_CLAMP and TCP_QUICKACK.
  private static final Set<Integer> MOVED_OF_TCP = Set.of(10, 12);
  private static final int IPPROTO_TCP = 6;
  /// Told as a loss where it differs.
  private static final int IPPROTO_IPV6 = 41;
  private static final int IPV6_V6ONLY = 26;
  private static final int FAMILY_BYTES = 2;

  private TcpProof() {}

  /// A connection whose other end is not in the tree has none in there: the socket is made without it.
  static Provable<State> provable(State state) {
    Optional<Connection> connection = state.connection();
    if (connection.isEmpty()) {
      return state.phase() == Phase.CONNECTING ? without(state, "its attempt to connect") : new Provable.Whole<>();
    }
    return connection.get().peer() == Connection.Peer.OUTSIDE ? without(state, "its connection to a peer outside")
        : new Provable.Part<>(state, "what its connection does by itself, in the copy too: windows, time stamps, data"
            + " between the two ends");
  }

  private static Provable<State> without(State state, String what) {
    Bytes nowhere = state.local().slice(0, FAMILY_BYTES).concat(Bytes.zeros(state.local().length() - FAMILY_BYTES));
    return new Provable.Part<>(new State(state.family(), state.flags(), nowhere, Optional.empty(), state.options(),
        Phase.IDLE, 0, 0, Optional.empty(), List.of(), Bytes.EMPTY, false, state.told(), state.multipath(), Seat.PLAIN,
        Optional.empty(), List.of()), what + ": no packet leaves the copy's network");
  }

  static State agreed(State state, State copy) {
    boolean both = state.connection().isPresent() && copy.connection().isPresent();
    // An address that was the kernel's choice is chosen anew when the connection that needed it is over.
    boolean unbound = state.phase() == Phase.ENDED && state.peer().isEmpty();
    return new State(copy.family(), copy.flags(), unbound ? state.local() : copy.local(), copy.peer(),
        options(state.options(), copy.options()), copy.phase(), copy.backlog(), copy.waiting(),
        both ? state.connection() : copy.connection(), state.remains(), copy.unread(), copy.reset(), copy.told(),
        comesBackPlain(state) || copy.multipath(), copy.seat(), copy.unheard(), copy.visitors());
  }

  /// What was Multipath TCP and is TCP after a restore.
  static boolean comesBackPlain(State state) {
    return state.multipath() && (state.phase() == Phase.CONNECTED || state.phase() == Phase.ENDED);
  }

  private static List<SocketOption> options(List<SocketOption> stored, List<SocketOption> found) {
    var agreed = new ArrayList<SocketOption>();
    for (SocketOption option : stored) {
      if (isMoved(option)) {
        agreed.add(option);
      } else {
        found.stream().filter(other -> same(option, other)).findFirst().ifPresent(agreed::add);
      }
    }
    found.stream().filter(option -> !isMoved(option) && stored.stream().noneMatch(other -> same(option, other)))
        .forEach(agreed::add);
    return agreed;
  }

  private static boolean same(SocketOption one, SocketOption other) {
    return one.level() == other.level() && one.name() == other.name();
  }

  private static boolean isMoved(SocketOption option) {
    return option.level() == IPPROTO_IPV6 && option.name() == IPV6_V6ONLY
        || option.level() == TcpSocket.SOL_SOCKET && MOVED.contains(option.name())
        || option.level() == IPPROTO_TCP && MOVED_OF_TCP.contains(option.name());
  }
}
