package stasis.kinds.file.tcp;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.Schema;
import stasis.image.Tag;
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
    CONNECTED
  }

  /// @param family AF_INET or AF_INET6 @param flags O_NONBLOCK @param local sockaddr, also when not bound
  /// @param peer sockaddr, of all but idle and listening ones @param options that a new socket has otherwise
  /// @param backlog of listen(2) @param waiting how many clients a listener has not accepted
  /// @param connection of a connected one @param remains what may still keep its port when it comes back
  record State(@Tag(1) int family, @Tag(2) int flags, @Tag(3) Bytes local, @Tag(4) Optional<Bytes> peer,
      @Tag(5) List<SocketOption> options, @Tag(6) Phase phase, @Tag(7) int backlog, @Tag(8) int waiting,
      @Tag(9) Optional<Connection> connection, @Tag(10) List<SocketDiag.Remains> remains) {
    State {
      boolean toPeer = phase != Phase.IDLE && phase != Phase.LISTENING;
      if (family != SocketAddress.AF_INET && family != SocketAddress.AF_INET6 || toPeer != peer.isPresent()
          || (phase == Phase.CONNECTED) != connection.isPresent()) {
        throw new IllegalArgumentException("family " + family + ", " + phase + ", peer " + peer);
      }
      options = SocketOptions.checked(options);
      remains = List.copyOf(remains);
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
  private static final String CLOSE = "let the program close it before the checkpoint";

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
    List<SocketOption> options = SocketOptions.undeafened(SocketOptions.of(file, LEVELS, false));
    int state = info.u8(0);
    return switch (state) {
      case TcpState.CLOSE -> idle(file, local, options);
      case TcpState.LISTEN -> new State(local.family(), OpenFlags.of(file), local.bytes(), Optional.empty(), options,
          Phase.LISTENING, info.u32(INFO_SACKED_AT), waiting(file, local, info.u32(INFO_UNACKED_AT)),
          Optional.empty(), reuse(options) != 0 ? List.of() : SocketDiag.remains(file, local));
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
    if ((Readiness.of(file, Readiness.READ_SHUT) & (Readiness.READ_SHUT | Readiness.ERROR)) != 0) {
      throw new ObstructedException(file.subject(), "its connection has ended and it was not closed yet", CLOSE);
    }
    return new State(local.family(), OpenFlags.of(file), local.bytes(), Optional.empty(), options, Phase.IDLE, 0, 0,
        Optional.empty(), List.of());
  }

  /// Those of clients in the tree are made again by their clients.
  private static int waiting(OpenFile file, SocketAddress local, int count) throws ObstructedException {
    if (count == 0) {
      return 0;
    }
    for (SocketDiag.Found client : SocketDiag.unaccepted(file, local)) {
      SocketAddress peer = SocketAddress.of(client.peerHost(), client.peerPort());
      SocketAddress here = SocketAddress.of(client.host(), local.port());
      long inode = SocketDiag.otherEnd(file, here, peer).map(SocketDiag.Found::inode).orElse(0L);
      if (inode == 0 || !file.isSocketOfTree(inode)) {
        throw new ObstructedException(file.subject(), "it has not accepted a connection from " + peer
            + ", which is outside the program", "let the program accept it before the checkpoint");
      }
    }
    return count;
  }

  private static State connecting(OpenFile file, SocketAddress local, List<SocketOption> options)
      throws ObstructedException {
    SocketAddress peer = SocketDiag.connecting(file, local, file.facts().inode()).orElseThrow(
        () -> new ObstructedException(file.subject(), "whom it connects to cannot be found", CLOSE));
    return new State(local.family(), OpenFlags.of(file), local.bytes(), Optional.of(peer.in(local.family()).bytes()),
        options, Phase.CONNECTING, 0, 0, Optional.empty(), List.of());
  }

  private static State connected(OpenFile file, SocketAddress local, List<SocketOption> options, Bytes info)
      throws ObstructedException {
    SocketAddress peer = SocketAddress.peer(file).orElseThrow(
        () -> new ObstructedException(file.subject(), "it has no peer in state " + info.u8(0), CLOSE));
    List<SocketOption> kept = options.stream()
        .filter(option -> option.level() != IPPROTO_TCP || option.name() != TCP_FASTOPEN_CONNECT).toList();
    Optional<SocketDiag.Found> other = SocketDiag.otherEnd(file, local, peer);
    int flags = OpenFlags.of(file);
    boolean unaccepted = other.isPresent() && other.get().inode() == 0 && TcpState.isOpen(other.get().state());
    if (unaccepted) {
      Connection end = Connection.read(file, Connection.Peer.TREE, info, reuse(options));
      if (other.get().unreadBytes() != 0 || end.unackedBytes() != 0 || !end.unread().isEmpty()
          || end.state() != TcpState.ESTABLISHED) {
        throw new ObstructedException(file.subject(), "it has sent data to " + peer + ", which has not accepted it yet",
            "let the server accept it before the checkpoint");
      }
      return new State(local.family(), flags, local.bytes(), Optional.of(peer.bytes()), kept, Phase.UNACCEPTED, 0, 0,
          Optional.empty(), List.of(SocketDiag.own(file, local, peer)));
    }
    Connection.Peer whose = whose(file, info.u8(0), other);
    if (whose == Connection.Peer.OUTSIDE) {
      throw new ObstructedException(file.subject(), "it is connected from " + local + " to " + peer
          + ", which is outside the program", "checkpoint both ends together, or let the program close it");
    }
    Connection end = Connection.read(file, whose, info, reuse(options));
    // With timestamps a new connection may follow one in TIME_WAIT (net/ipv4/tcp_ipv4.c, tcp_twsk_unique()).
    return new State(local.family(), flags, local.bytes(), Optional.of(peer.bytes()), kept, Phase.CONNECTED, 0, 0,
        Optional.of(end), end.has(Connection.INFO_TIMESTAMPS) ? List.of()
            : List.of(SocketDiag.own(file, local, peer)));
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
    return state.phase().compareTo(Phase.LISTENING) <= 0 || host.capabilities().contains("CAP_NET_ADMIN") ? List.of()
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
    }
    if (early) {
      SocketOptions.setAfter(state.options(), Arg.result(fd), script);
      OpenFlags.complete(state.flags(), fd, script);
    }
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
      case IDLE, LISTENING -> { }
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
