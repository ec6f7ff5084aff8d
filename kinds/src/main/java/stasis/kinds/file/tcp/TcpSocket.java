package stasis.kinds.file.tcp;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.AddressMap;
import stasis.kinds.TcpPeers;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.file.SocketFacts;
import stasis.kinds.socket.HiddenOptions;
import stasis.kinds.socket.PacketWall;
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
import stasis.resource.Provable;
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
  /// @param told what does not come back as it was @param multipath of IPPROTO_MPTCP: a connection
  ///     of it comes back as one of TCP
  /// @param seat how it has its address @param unheard of one that was not accepted, what it has sent
  /// @param visitors clients of a listener that were closed and not accepted
  record State(@Tag(1) int family, @Tag(2) int flags, @Tag(3) Bytes local, @Tag(4) Optional<Bytes> peer,
      @Tag(5) List<SocketOption> options, @Tag(6) Phase phase, @Tag(7) int backlog, @Tag(8) int waiting,
      @Tag(9) Optional<Connection> connection, @Tag(10) List<SocketDiag.Remains> remains,
      @Tag(11) Bytes unread, @Tag(12) boolean reset, @Tag(13) List<String> told, @Tag(14) boolean multipath,
      @Tag(15) Seat seat, @Tag(16) Optional<Unaccepted.Unheard> unheard,
      @Tag(17) List<Unaccepted.Visitor> visitors) {
    State {
      boolean toPeer = phase != Phase.IDLE && phase != Phase.LISTENING;
      if (family != SocketAddress.AF_INET && family != SocketAddress.AF_INET6
          || phase != Phase.ENDED && toPeer != peer.isPresent()
          || (phase == Phase.CONNECTED) != connection.isPresent()) {
        throw new IllegalArgumentException("family " + family + ", " + phase + ", peer " + peer);
      }
      options = SocketOptions.checked(options);
      remains = List.copyOf(remains);
      told = List.copyOf(told);
      visitors = List.copyOf(visitors);
    }

    static State of(OpenFile file, SocketAddress local, Optional<SocketAddress> peer, List<SocketOption> options,
        Phase phase) throws ObstructedException {
      return new State(local.family(), OpenFlags.of(file), local.bytes(), peer.map(SocketAddress::bytes), options,
          phase, 0, 0, Optional.empty(), List.of(), Bytes.EMPTY, false, HiddenOptions.told(file, options, false),
          isMultipath(file), Seat.PLAIN, Optional.empty(), List.of());
    }

    State listening(int limit, Unaccepted.Queue queue, List<SocketDiag.Remains> inTheWay) {
      return new State(family, flags, local, peer, options, phase, limit, queue.ours(), connection,
          Stream.concat(inTheWay.stream(), queue.remains().stream()).distinct().toList(), unread, reset,
          Stream.concat(told.stream(), queue.told().stream()).toList(), multipath, seat, unheard, queue.visitors());
    }

    State at(Seat place) {
      return new State(family, flags, local, peer, options, phase, backlog, waiting, connection, remains, unread, reset,
          told, multipath, place, unheard, visitors);
    }

    State unheard(Unaccepted.Unheard sent, List<SocketDiag.Remains> inTheWay) {
      return new State(family, flags, local, peer, options, phase, backlog, waiting, connection, inTheWay, unread,
          reset, told, multipath, seat, Optional.of(sent), visitors);
    }

    /// Connected, with no more to be told.
    State joined(Connection end, List<SocketDiag.Remains> inTheWay) {
      return new State(family, flags, local, peer, options, Phase.CONNECTED, 0, 0, Optional.of(end), inTheWay,
          Bytes.EMPTY, false, told, multipath, Seat.PLAIN, Optional.empty(), List.of());
    }

    State ended(Bytes left, boolean untold) {
      return new State(family, flags, local, peer, options, Phase.ENDED, 0, 0, Optional.empty(), List.of(), left,
          untold, told, multipath, seat, unheard, visitors);
    }

    /// The same under other addresses.
    State mapped(AddressMap map) {
      return map.rules().isEmpty() ? this : new State(family, flags, localAddress().mapped(map).bytes(),
          peer.map(address -> new SocketAddress(address).mapped(map).bytes()), SocketOptions.mapped(options, map), phase,
          backlog, waiting, connection, remains, unread, reset, told, multipath, seat, unheard,
          visitors.stream().map(visitor -> visitor.mapped(map)).toList());
    }

    SocketAddress localAddress() {
      return new SocketAddress(local);
    }

    SocketAddress peerAddress() {
      return new SocketAddress(peer.orElseThrow());
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.tcp", 3);
  private static final int SOCK_STREAM = 1;
  static final int SOL_SOCKET = 1;
  private static final int SO_REUSEADDR = 2;
  private static final int SO_REUSEPORT = 15;
  private static final int SO_PROTOCOL = 38;
  static final int IPPROTO_TCP = 6;
  static final int TCP_INFO = 11;
  static final int INFO_BYTES = 104;
  private static final int IPV6_V6ONLY = 26;

  private final TcpPeers outside;
  private final AddressMap addresses;

  /// @param outside what becomes of connections to peers outside @param addresses that are others at the restore
  public TcpSocket(TcpPeers outside, AddressMap addresses) {
    this.outside = outside;
    this.addresses = addresses;
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
        && (SocketFacts.option(file, SO_PROTOCOL) == IPPROTO_TCP || isMultipath(file));
  }

  static boolean isMultipath(OpenFile file) {
    return SocketFacts.option(file, SO_PROTOCOL) == Multipath.IPPROTO_MPTCP;
  }

  /// While one end is read the other must not send, nor their kernel for them: what the second acknowledges in between
  /// would be in neither image.
  @Override
  public Optional<Quiet> quiet(OpenFile file) throws ObstructedException {
    if (isMultipath(file)) {
      return Optional.empty();
    }
    int state = SocketOption.read(file, IPPROTO_TCP, TCP_INFO, INFO_BYTES).map(info -> info.u8(0))
        .orElse(TcpState.CLOSE);
    if (!TcpState.isConnected(state)) {
      return Optional.empty();
    }
    SocketAddress local = SocketAddress.local(file);
    boolean wall = outside == TcpPeers.KEEP;
    return Optional.of(SocketOptions.deafen(file, Connection.repairOff(file),
        wall ? SocketAddress.peer(file).map(peer -> PacketWall.lower(local, peer)).orElse(List.of()) : List.of(),
        wall ? PacketWall.remove() : List.of()));
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    return new Describer(outside).describe(file);
  }

  @Override
  public List<Loss> losses(State state) {
    var losses = new ArrayList<>(Describer.told(state));
    int waiting = state.waiting() + state.visitors().size();
    if (state.waiting() != 0 && waiting > 1) {
      losses.add(Loss.of("its " + waiting + " clients that wait to be accepted may come in another order"));
    }
    if (state.seat().shared() && waiting != 0) {
      losses.add(Loss.of("its clients that wait to be accepted may come to another listener that shares its port"));
    }
    if (state.phase() == Phase.ENDED) {
      losses.add(state.peer().isPresent() ? Loss.of("its connection from " + state.localAddress() + " to "
          + state.peerAddress() + " comes back reset; what was not acknowledged is lost")
          : Loss.of("its connection, which is over, comes back over but with another local address"));
    }
    if (TcpProof.comesBackPlain(state)) {
      losses.add(Loss.of("its connection over Multipath TCP comes back as one of TCP"));
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
  public List<Obstacle> obstacles(State written, Host host) {
    State state = written.mapped(addresses);
    if (isOutside(written) && !state.equals(written)) {
      return List.of(new Obstacle.Unsupported("TCP connection " + written.localAddress() + " to "
          + written.peerAddress(), "its peer is outside the program and knows it by its old address",
          "leave that address out of --map-address"));
    }
    if (isOutside(state) && outside != TcpPeers.KEEP) {
      return List.of(new Obstacle.Unsupported("TCP connection " + state.localAddress() + " to " + state.peerAddress(),
          "its peer is outside the program and would have to be there still", "give --tcp-established"));
    }
    List<Obstacle> missing = new ArrayList<>(state.phase() == Phase.ENDED || state.seat().away() ? List.of()
        : state.localAddress().obstacles("TCP socket " + state.localAddress(), state.options(), host));
    if (state.connection().filter(end -> end.peer() == Connection.Peer.NOBODY).isPresent()) {
      String subject = "TCP connection " + state.localAddress() + " to " + state.peerAddress();
      missing.addAll(state.peerAddress().obstacles(subject, List.of(), host));
    }
    for (Unaccepted.Visitor visitor : state.visitors()) {
      SocketAddress from = new SocketAddress(visitor.from());
      missing.addAll(from.obstacles("TCP connection " + from + " to " + state.localAddress(), List.of(), host));
    }
    if (!missing.isEmpty()) {
      return missing;
    }
    boolean repaired = !state.visitors().isEmpty()
        || Set.of(Phase.UNACCEPTED, Phase.CONNECTED, Phase.CONNECTING).contains(state.phase());
    return !repaired || host.capabilities().contains("CAP_NET_ADMIN") ? List.of()
        : List.of(new Obstacle.HostLacks("TCP connection " + state.localAddress() + " to " + state.peerAddress(),
            "CAP_NET_ADMIN, for TCP_REPAIR", "restore as root"));
  }

  @Override
  public List<OwnCall> muting(State state) {
    if (state.multipath() || state.phase() != Phase.CONNECTED && state.phase() != Phase.UNACCEPTED) {
      return List.of();
    }
    List<OwnCall> raised = isOutside(state) ? PacketWall.raise(state.localAddress(), state.peerAddress()) : List.of();
    return OwnCall.sequence(raised, List.of(Connection.set(IPPROTO_TCP, Connection.TCP_REPAIR,
        Connection.REPAIR_ON)));
  }

  @Override
  public List<OwnCall> afterwards(State state) {
    return isOutside(state) ? PacketWall.remove() : List.of();
  }

  @Override
  public boolean connectsLast(State state) {
    return state.phase() == Phase.CONNECTING;
  }

  private static boolean isOutside(State state) {
    return state.connection().filter(end -> end.peer() == Connection.Peer.OUTSIDE).isPresent();
  }

  static int reuse(List<SocketOption> options) {
    return SocketOptions.value(options, SOL_SOCKET, SO_REUSEADDR).map(bytes -> bytes.u32(0)).orElse(0);
  }

  @Override
  public Ref<Fd> restore(State written, Script script, Refs refs) {
    State state = written.mapped(addresses);
    if (state.phase() == Phase.ENDED) {
      return restoreEnded(state, script);
    }
    boolean early = state.phase() == Phase.IDLE || state.phase() == Phase.LISTENING;
    Ref<Fd> fd = script.call(Nr.SOCKET, "TCP socket " + state.localAddress(), Arg.imm(state.family()),
        Arg.imm(SOCK_STREAM | (early ? state.flags() & OpenFlags.O_NONBLOCK : 0)),
        Arg.imm(state.multipath() && state.phase() != Phase.CONNECTED ? Multipath.IPPROTO_MPTCP : IPPROTO_TCP));
    Revival revival = new Revival(Arg.result(fd), script);
    SocketOptions.setBefore(state.options(), Arg.result(fd), script);
    SocketDiag.clear(state.remains(), script);
    switch (state.phase()) {
      case IDLE -> bind(state, revival);
      case LISTENING -> {
        // The connections of the tree have this port too, and may have been made before.
        revival.set(SOL_SOCKET, SO_REUSEADDR, 1, "shared with its connections");
        if (state.seat().shared()) {
          revival.set(SOL_SOCKET, SO_REUSEPORT, 1, "shared with other listeners");
        }
        bind(state, revival);
        script.call(Nr.LISTEN, "listening", Arg.result(fd),
            Arg.imm(Math.max(state.backlog(), state.waiting() + state.visitors().size() - 1)));
        revival.reuse(state.options());
      }
      case CONNECTING, UNACCEPTED -> revival.bindShared(state.localAddress(), state.options(), state.multipath());
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
      state.localAddress().bind(state.seat().away(), state.options(), revival.socket(), revival.script());
    }
  }

  @Override
  public void connect(State written, Fd self, Script script, Refs refs) {
    State state = written.mapped(addresses);
    Arg socket = Arg.imm(self.value());
    Revival revival = new Revival(socket, script);
    switch (state.phase()) {
      case IDLE, ENDED -> { }
      case LISTENING -> {
        state.visitors().forEach(visitor -> Revival.visit(visitor, script));
        if (state.seat().shared()) {
          revival.set(SOL_SOCKET, SO_REUSEPORT, SocketOptions.value(state.options(), SOL_SOCKET, SO_REUSEPORT)
              .map(bytes -> bytes.u32(0)).orElse(0), "SO_REUSEPORT as it was");
        }
      }
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
        state.unheard().ifPresent(unheard -> revival.say(unheard.sent()));
        SocketOptions.setAfter(state.options(), socket, script);
        state.unheard().ifPresent(unheard -> revival.shut(unheard.shut()));
        OpenFlags.set(state.flags(), socket, script);
      }
      case CONNECTED -> {
        Connection end = state.connection().orElseThrow();
        if (end.peer() == Connection.Peer.NOBODY) {
          revival.bury(state.localAddress(), state.peerAddress(), end);
        }
        if (end.peer() == Connection.Peer.OUTSIDE) {
          PacketWall.lower(state.localAddress(), state.peerAddress(), script);
        }
        revival.open(state.localAddress(), state.peerAddress(), end, state.options(), isOutside(state));
        OpenFlags.set(state.flags(), socket, script);
      }
    }
  }

  @Override
  public Provable<State> provable(State state) {
    return TcpProof.provable(state);
  }

  @Override
  public State agreed(State state, State copy) {
    return TcpProof.agreed(state, copy);
  }
}
