package stasis.kinds.file.tcp;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.TcpPeers;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.file.Readiness;
import stasis.kinds.file.SocketFacts;
import stasis.kinds.socket.SocketAddress;
import stasis.kinds.socket.SocketDiag;
import stasis.kinds.socket.SocketOption;
import stasis.kinds.socket.SocketOptions;
import stasis.kinds.socket.TcpState;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.OwnCall;
import stasis.resource.Quiet;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A TCP socket over IPv4 or IPv6 (tcp(7)): not connected, listening, or one end of a connection whose other end is in
/// the tree too.
public final class TcpSocket implements FileKind<TcpSocket.State> {
  /// How far it has come.
  enum Phase {
    /// Perhaps bound.
    IDLE,
    LISTENING,
    /// connect(2) was called and nobody has answered.
    CONNECTING,
    /// Connected to a listener of the tree that has not accepted it; nothing was sent.
    UNACCEPTED,
    CONNECTED,
    /// Its connection is over and it was not closed yet; or will be, because its peer is outside.
    ENDED
  }

  /// @param family AF_INET or AF_INET6 @param flags O_NONBLOCK @param local sockaddr, also when not bound
  /// @param peer sockaddr, of all but idle and listening ones @param options that a new socket has otherwise
  /// @param backlog of listen(2) @param waiting how many clients a listener has not accepted
  /// @param connection of a connected one @param remains what may still keep its port when it comes back
  /// @param unread of an ended one @param reset whether an ended one has still to be told of it
  record State(@Tag(1) int family, @Tag(2) int flags, @Tag(3) Bytes local, @Tag(4) Optional<Bytes> peer,
      @Tag(5) List<SocketOption> options, @Tag(6) Phase phase, @Tag(7) int backlog, @Tag(8) int waiting,
      @Tag(9) Optional<Connection> connection, @Tag(10) List<SocketDiag.Remains> remains,
      @Tag(11) Bytes unread, @Tag(12) boolean reset) {
    State {
      boolean toPeer = phase != Phase.IDLE && phase != Phase.LISTENING;
      if (family != SocketAddress.AF_INET && family != SocketAddress.AF_INET6
          || phase != Phase.ENDED && toPeer != peer.isPresent()
          || (phase == Phase.CONNECTED) != connection.isPresent()) {
        throw new IllegalArgumentException("family " + family + ", " + phase + ", peer " + peer);
      }
      options = SocketOptions.checked(options);
      remains = List.copyOf(remains);
    }

    /// One without a connection.
    static State of(OpenFile file, SocketAddress local, Optional<SocketAddress> peer, List<SocketOption> options,
        Phase phase) throws ObstructedException {
      return new State(local.family(), OpenFlags.of(file), local.bytes(), peer.map(SocketAddress::bytes), options, phase,
          0, 0, Optional.empty(), List.of(), Bytes.EMPTY, false);
    }

    State listening(int limit, int clients, List<SocketDiag.Remains> inTheWay) {
      return new State(family, flags, local, peer, options, phase, limit, clients, connection, inTheWay, unread, reset);
    }

    State keeping(Optional<Connection> end, List<SocketDiag.Remains> inTheWay) {
      return new State(family, flags, local, peer, options, phase, backlog, waiting, end, inTheWay, unread, reset);
    }

    State ended(Bytes left, boolean untold) {
      return new State(family, flags, local, peer, options, Phase.ENDED, 0, 0, Optional.empty(), List.of(), left,
          untold);
    }

    SocketAddress localAddress() {
      return new SocketAddress(local);
    }

    SocketAddress peerAddress() {
      return new SocketAddress(peer.orElseThrow());
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.tcp", 1);
  private static final int SOCK_STREAM = 1;
  private static final int SOL_SOCKET = 1;
  private static final int SO_REUSEADDR = 2;
  private static final int SO_PROTOCOL = 38;
  private static final int IPPROTO_TCP = 6;
  private static final int TCP_INFO = 11;
  private static final int TCP_FASTOPEN_CONNECT = 30;
  private static final int TCP_ULP = 31;
  private static final int INFO_BYTES = 104;
  private static final int INFO_UNACKED_AT = 24;
  private static final int INFO_SACKED_AT = 28;
  private static final Set<Integer> LEVELS = Set.of(SOL_SOCKET, 0, 41, IPPROTO_TCP);
  private static final Set<Integer> LEVELS_OF_V4 = Set.of(SOL_SOCKET, 0, IPPROTO_TCP);
  private static final int IPV6_V6ONLY = 26;
  private static final String CLOSE = "let the program close it before the checkpoint";

  private final TcpPeers outside;

  /// @param outside what becomes of connections whose peer is outside the tree
  public TcpSocket(TcpPeers outside) {
    this.outside = outside;
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    if (file.facts().type() != FileStat.S_IFSOCK) {
      return false;
    }
    int family = SocketFacts.domain(file);
    return (family == SocketAddress.AF_INET || family == SocketAddress.AF_INET6)
        && SocketFacts.option(file, SocketFacts.SO_TYPE) == SOCK_STREAM
        && SocketFacts.option(file, SO_PROTOCOL) == IPPROTO_TCP;
  }

  /// While one end is read the other must not send, nor their kernel for them: what the second acknowledges in between
  /// would be in neither image.
  @Override
  public Optional<Quiet> quiet(OpenFile file) throws ObstructedException {
    int state = SocketOption.read(file, IPPROTO_TCP, TCP_INFO, INFO_BYTES).map(info -> info.u8(0))
        .orElse(TcpState.CLOSE);
    return TcpState.isConnected(state) ? Optional.of(SocketOptions.deafen(file, Connection.repairOff(file)))
        : Optional.empty();
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    Bytes info = SocketOption.read(file, IPPROTO_TCP, TCP_INFO, INFO_BYTES).filter(b -> b.length() == INFO_BYTES)
        .orElseThrow(() -> new ObstructedException(file.subject(), "TCP_INFO cannot be read", ""));
    String upper = SocketOption.read(file, IPPROTO_TCP, TCP_ULP, 16).map(Bytes::latin1).orElse("");
    if (!upper.isEmpty()) {
      throw new ObstructedException(file.subject(), "the kernel does " + upper + " on it, whose keys cannot be read",
          "run the program without it");
    }
    SocketAddress local = SocketAddress.local(file);
    List<SocketOption> options = SocketOptions.undeafened(SocketOptions.of(file,
        local.family() == SocketAddress.AF_INET ? LEVELS_OF_V4 : LEVELS, false));
    int state = info.u8(0);
    return switch (state) {
      case TcpState.CLOSE -> idle(file, local, options);
      case TcpState.LISTEN -> State.of(file, local, Optional.empty(), options, Phase.LISTENING).listening(
          info.u32(INFO_SACKED_AT), waiting(file, local, info.u32(INFO_UNACKED_AT)),
          reuse(options) != 0 ? List.of() : SocketDiag.remains(file, local));
      case TcpState.SYN_SENT -> connecting(file, local, options);
      default -> {
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

  /// Those of clients in the tree are made again by their clients.
  private int waiting(OpenFile file, SocketAddress local, int count) throws ObstructedException {
    if (count == 0) {
      return 0;
    }
    int ours = 0;
    for (SocketDiag.Found client : SocketDiag.unaccepted(file, local)) {
      SocketAddress peer = SocketAddress.of(client.peerHost(), client.peerPort());
      SocketAddress here = SocketAddress.of(client.host(), local.port());
      long inode = SocketDiag.otherEnd(file, here, peer).map(SocketDiag.Found::inode).orElse(0L);
      if (inode != 0 && file.isSocketOfTree(inode)) {
        ours++;
      } else if (outside == TcpPeers.REFUSE) {
        throw new ObstructedException(file.subject(), "it has not accepted a connection from " + peer + " to " + here
            + ", whose peer is outside the program", "let the program accept it before the checkpoint, or close it with"
            + " --tcp-close");
      }
    }
    return ours;
  }

  private static State connecting(OpenFile file, SocketAddress local, List<SocketOption> options)
      throws ObstructedException {
    SocketAddress peer = SocketDiag.connecting(file, local, file.facts().inode()).orElseThrow(
        () -> new ObstructedException(file.subject(), "whom it connects to cannot be found", CLOSE));
    return State.of(file, local, Optional.of(peer.in(local.family())), options, Phase.CONNECTING);
  }

  private State connected(OpenFile file, SocketAddress local, List<SocketOption> options, Bytes info)
      throws ObstructedException {
    SocketAddress peer = SocketAddress.peer(file).orElseThrow(
        () -> new ObstructedException(file.subject(), "it has no peer in state " + info.u8(0), CLOSE));
    List<SocketOption> kept = options.stream()
        .filter(option -> option.level() != IPPROTO_TCP || option.name() != TCP_FASTOPEN_CONNECT).toList();
    Optional<SocketDiag.Found> other = SocketDiag.otherEnd(file, local, peer);
    State state = State.of(file, local, Optional.of(peer), kept, Phase.UNACCEPTED);
    if (other.isPresent() && other.get().inode() == 0 && TcpState.isOpen(other.get().state())) {
      Connection end = Connection.read(file, Connection.Peer.TREE, info, reuse(options));
      if (other.get().unreadBytes() != 0 || end.unackedBytes() != 0 || !end.unread().isEmpty()
          || end.state() != TcpState.ESTABLISHED) {
        throw new ObstructedException(file.subject(), "it has sent data to " + peer + ", which has not accepted it yet",
            "let the server accept it before the checkpoint");
      }
      return state.keeping(Optional.empty(), List.of(SocketDiag.own(file, local, peer)));
    }
    Connection.Peer whose = whose(file, info.u8(0), other);
    if (whose == Connection.Peer.OUTSIDE && outside == TcpPeers.REFUSE) {
      throw new ObstructedException(file.subject(), "it is connected from " + local + " to " + peer
          + ", which is outside the program", "checkpoint both ends together, or give the connection up with"
          + " --tcp-close");
    }
    Connection end = Connection.read(file, whose, info, reuse(options));
    if (whose == Connection.Peer.OUTSIDE) {
      return state.ended(end.unread(), true);
    }
    // With timestamps a new connection may follow one in TIME_WAIT (net/ipv4/tcp_ipv4.c, tcp_twsk_unique()).
    List<SocketDiag.Remains> remains = end.has(Connection.INFO_TIMESTAMPS) ? List.of()
        : List.of(SocketDiag.own(file, local, peer));
    return new State(state.family(), state.flags(), state.local(), state.peer(), kept, Phase.CONNECTED, 0, 0,
        Optional.of(end), remains, Bytes.EMPTY, false);
  }

  private static Connection.Peer whose(OpenFile file, int state, Optional<SocketDiag.Found> other) {
    if (other.isPresent() && other.get().inode() != 0 && file.isSocketOfTree(other.get().inode())) {
      return Connection.Peer.TREE;
    }
    boolean closed = other.isPresent() && other.get().inode() == 0;
    return closed && state == TcpState.CLOSE_WAIT ? Connection.Peer.NOBODY : Connection.Peer.OUTSIDE;
  }

  @Override
  public List<Loss> losses(State state) {
    var losses = new ArrayList<Loss>();
    if (state.waiting() > 1) {
      losses.add(Loss.of("its " + state.waiting() + " clients that wait to be accepted may come in another order"));
    }
    if (state.phase() == Phase.ENDED) {
      losses.add(state.peer().isPresent()
          ? Loss.of("its connection from " + state.localAddress() + " to " + state.peerAddress()
              + " comes back reset; what was not acknowledged is lost")
          : Loss.of("its connection, which is over, comes back over but with another local address"));
    }
    if (state.phase() == Phase.CONNECTING) {
      losses.add(Loss.of("it connects anew"));
    }
    if (state.connection().isPresent() && state.connection().get().has(Connection.INFO_ECN)) {
      losses.add(Loss.of("it goes on without explicit congestion notification"));
    }
    return losses;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return state.phase() != Phase.UNACCEPTED && state.phase() != Phase.CONNECTED && state.phase() != Phase.CONNECTING || host.capabilities().contains("CAP_NET_ADMIN") ? List.of()
        : List.of(new Obstacle.HostLacks("TCP connection " + state.localAddress() + " to " + state.peerAddress(),
            "CAP_NET_ADMIN, for TCP_REPAIR", "restore as root"));
  }

  @Override
  public List<OwnCall> muting(State state) {
    return state.phase() == Phase.CONNECTED || state.phase() == Phase.UNACCEPTED
        ? List.of(Connection.set(IPPROTO_TCP, Connection.TCP_REPAIR, Connection.REPAIR_ON)) : List.of();
  }

  private static int reuse(List<SocketOption> options) {
    return SocketOptions.value(options, SOL_SOCKET, SO_REUSEADDR).map(bytes -> bytes.u32(0)).orElse(0);
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    if (state.phase() == Phase.ENDED) {
      return restoreEnded(state, script);
    }
    boolean early = state.phase() == Phase.IDLE || state.phase() == Phase.LISTENING;
    Ref<Fd> fd = script.call(Nr.SOCKET, "TCP socket " + state.localAddress(), Arg.imm(state.family()),
        Arg.imm(SOCK_STREAM | (early ? state.flags() & OpenFlags.O_NONBLOCK : 0)), Arg.imm(IPPROTO_TCP));
    Revival revival = new Revival(Arg.result(fd), script);
    SocketOptions.setBefore(state.options(), Arg.result(fd), script);
    SocketDiag.clear(state.remains(), script);
    switch (state.phase()) {
      case IDLE -> bind(state, revival);
      case LISTENING -> {
        // The connections of the tree have this port too, and may have been made before.
        revival.set(SOL_SOCKET, SO_REUSEADDR, 1, "shared with its connections");
        bind(state, revival);
        script.call(Nr.LISTEN, "listening", Arg.result(fd), Arg.imm(state.backlog()));
        revival.reuse(state.options());
      }
      case CONNECTING, UNACCEPTED -> revival.bindShared(state.localAddress(), state.options());
      case CONNECTED -> {
        revival.connect(state.localAddress(), state.peerAddress(), state.connection().orElseThrow());
        SocketOptions.setAfter(state.options(), Arg.result(fd), script);
      }
      case ENDED -> throw new AssertionError("made above");
    }
    if (early) {
      SocketOptions.setAfter(state.options(), Arg.result(fd), script);
      OpenFlags.complete(state.flags(), fd, script);
    }
    return fd;
  }

  private static Ref<Fd> restoreEnded(State state, Script script) {
    Ref<Fd> fd = script.call(Nr.SOCKET, "TCP socket whose connection is over", Arg.imm(state.family()),
        Arg.imm(SOCK_STREAM), Arg.imm(IPPROTO_TCP));
    new Revival(Arg.result(fd), script).over(state.family(), state.unread(), state.reset());
    List<SocketOption> options = state.options().stream()
        .filter(option -> option.level() != 41 || option.name() != IPV6_V6ONLY).toList();
    SocketOptions.setBefore(options, Arg.result(fd), script);
    SocketOptions.setAfter(options, Arg.result(fd), script);
    OpenFlags.set(state.flags(), Arg.result(fd), script);
    return fd;
  }

  private static void bind(State state, Revival revival) {
    if (state.localAddress().isBound()) {
      revival.bind(state.localAddress());
    }
  }

  @Override
  public void connect(State state, Fd self, Script script, Refs refs) {
    Arg socket = Arg.imm(self.value());
    Revival revival = new Revival(socket, script);
    switch (state.phase()) {
      case IDLE, LISTENING, ENDED -> { }
      case CONNECTING -> {
        OpenFlags.set(state.flags() | OpenFlags.O_NONBLOCK, socket, script);
        Bytes peer = state.peer().orElseThrow();
        script.callTolerating(Set.of(Errno.EINPROGRESS), Nr.CONNECT, "to " + state.peerAddress(), socket,
            Arg.data(peer), Arg.imm(peer.length()));
        SocketOptions.setAfter(state.options(), socket, script);
        OpenFlags.set(state.flags(), socket, script);
      }
      case UNACCEPTED -> {
        Bytes peer = state.peer().orElseThrow();
        script.call(Nr.CONNECT, "to " + state.peerAddress() + ", who will accept it", socket, Arg.data(peer),
            Arg.imm(peer.length()));
        SocketOptions.setAfter(state.options(), socket, script);
        OpenFlags.set(state.flags(), socket, script);
      }
      case CONNECTED -> {
        Connection end = state.connection().orElseThrow();
        if (end.peer() == Connection.Peer.NOBODY) {
          revival.bury(state.localAddress(), state.peerAddress(), end);
        }
        revival.open(end, state.options());
        OpenFlags.set(state.flags(), socket, script);
      }
    }
  }
}
