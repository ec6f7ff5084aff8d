package stasis.kinds.file.udp;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.AddressMap;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.file.Readiness;
import stasis.kinds.file.SocketFacts;
import stasis.kinds.socket.DatagramQueue;
import stasis.kinds.socket.HiddenOptions;
import stasis.kinds.socket.Memberships;
import stasis.kinds.socket.OptionSet;
import stasis.kinds.socket.SocketAddress;
import stasis.kinds.socket.SocketOption;
import stasis.kinds.socket.SocketOptions;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.HiddenQueues;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A UDP or UDP-Lite socket over IPv4 or IPv6 (udp(7), udplite(7)): its addresses, options, and what it has not read.
public final class UdpSocket implements FileKind<UdpSocket.State> {
  /// @param family AF_INET or AF_INET6 @param protocol IPPROTO_UDP or IPPROTO_UDPLITE @param flags O_NONBLOCK
  /// @param local sockaddr, also when not bound @param peer sockaddr when connected
  /// @param options that a new socket has otherwise @param queue unread datagrams, oldest first
  /// @param shut by shutdown(2): 1 for reading, 2 for writing @param error whether errors wait to be read
  /// @param groups multicast groups it has joined @param told what does not come back as it was
  /// @param away whether the address it is bound to is none of the host's (IP_FREEBIND when it was bound)
  /// @param corked what it holds back for more (UDP_CORK, MSG_MORE)
  record State(@Tag(1) int family, @Tag(2) int protocol, @Tag(3) int flags, @Tag(4) Bytes local,
      @Tag(5) Optional<Bytes> peer, @Tag(6) List<SocketOption> options, @Tag(7) List<DatagramQueue.Datagram> queue,
      @Tag(8) int shut, @Tag(9) boolean error, @Tag(10) List<Memberships.Membership> groups,
      @Tag(11) List<String> told, @Tag(12) boolean away, @Tag(13) Optional<Corked> corked) {
    State {
      if (family != SocketAddress.AF_INET && family != SocketAddress.AF_INET6
          || protocol != IPPROTO_UDP && protocol != IPPROTO_UDPLITE) {
        throw new IllegalArgumentException("family " + family + ", protocol " + protocol);
      }
      options = SocketOptions.checked(options);
      queue = List.copyOf(queue);
      groups = List.copyOf(groups);
      told = List.copyOf(told);
    }

    /// The same under other addresses.
    State mapped(AddressMap map) {
      return map.rules().isEmpty() ? this : new State(family, protocol, flags, at(local, map),
          peer.map(address -> at(address, map)), SocketOptions.mapped(options, map), queue.stream()
          .map(datagram -> new DatagramQueue.Datagram(at(datagram.from(), map), datagram.payload())).toList(), shut,
          error, groups, told, away, corked.map(held -> new Corked(at(held.to(), map), held.payload())));
    }

    private static Bytes at(Bytes address, AddressMap map) {
      return new SocketAddress(address).mapped(map).bytes();
    }
  }

  /// A datagram that waits for more.
  ///
  /// @param to sockaddr
  record Corked(@Tag(1) Bytes to, @Tag(2) Bytes payload) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.udp", 3);
  private static final int IPPROTO_UDP = 17;
  private static final int IPPROTO_UDPLITE = 136;
  private static final int SOCK_DGRAM = 2;
  private static final int SOL_SOCKET = 1;
  private static final int SO_PROTOCOL = 38;
  private static final Set<Integer> LEVELS = Set.of(SOL_SOCKET, 0, 41);
  private static final int MSG_MORE = 0x8000;
  private static final int QUEUE_SLACK_BYTES = 1 << 20;

  private final AddressMap addresses;

  /// @param addresses that are others at the restore
  public UdpSocket(AddressMap addresses) {
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
    int protocol = SocketFacts.option(file, SO_PROTOCOL);
    return (family == SocketAddress.AF_INET || family == SocketAddress.AF_INET6)
        && SocketFacts.option(file, SocketFacts.SO_TYPE) == SOCK_DGRAM
        && (protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE);
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    int protocol = SocketFacts.option(file, SO_PROTOCOL);
    var levels = new java.util.HashSet<Integer>(LEVELS);
    levels.add(protocol);
    int ready = Readiness.of(file);
    int family = SocketFacts.domain(file);
    if (family == SocketAddress.AF_INET) {
      levels.remove(41);
    }
    List<SocketOption> options = SocketOptions.of(file, OptionSet.of(levels, true));
    return new State(family, protocol, OpenFlags.of(file), SocketAddress.local(file).bytes(),
        SocketAddress.peer(file).map(SocketAddress::bytes), options, DatagramQueue.peek(file), HiddenOptions.shut(file),
        (ready & Readiness.ERROR) != 0, Memberships.of(file, family == SocketAddress.AF_INET6),
        HiddenOptions.told(file, options, true), !SocketAddress.local(file).isOnHost(file), corked(file, family));
  }

  private static Optional<Corked> corked(OpenFile file, int family) throws ObstructedException {
    if (!DatagramQueue.isCorked(file)) {
      return Optional.empty();
    }
    String remedy = "let the program send them before the checkpoint";
    HiddenQueues queues = file.hiddenQueues().orElseThrow(() -> new ObstructedException(file.subject(),
        "it holds back data that wait for more (UDP_CORK or MSG_MORE)", remedy
        + ", or run with CAP_BPF and CAP_PERFMON"));
    Optional<HiddenQueues.Corked> held = queues.corked();
    if (held.filter(datagram -> !datagram.plain()).isPresent()) {
      throw new ObstructedException(file.subject(), "it holds back data that wait for more, with control messages",
          remedy);
    }
    return held.map(datagram -> new Corked(SocketAddress.of(datagram.peerHost(), datagram.peerPort()).in(family)
        .bytes(), datagram.payload()));
  }

  @Override
  public List<Loss> losses(State state) {
    var losses = new ArrayList<Loss>();
    state.told().forEach(told -> losses.add(Loss.of(told)));
    if (state.error()) {
      losses.add(Loss.of("errors that it has not read (IP_RECVERR, ICMP) are not there again"));
    }
    if (state.queue().isEmpty()) {
      return losses;
    }
    if (isLost(state)) {
      losses.add(new Loss("its " + state.queue().size() + " unread datagrams are lost: it is bound to a multicast"
          + " address", "let the program read them before the checkpoint"));
      return losses;
    }
    for (int[] option : new int[][] {{SOL_SOCKET, 29}, {SOL_SOCKET, 35}, {SOL_SOCKET, 63}, {SOL_SOCKET, 64},
        {SOL_SOCKET, 37}, {SOL_SOCKET, 65}, {0, 8}, {0, 12}, {0, 13}, {0, 20}, {41, 49}, {41, 51}, {41, 66},
        {41, 74}}) {
      if (SocketOptions.value(state.options(), option[0], option[1]).isPresent()) {
        losses.add(Loss.of("what comes beside its unread datagrams (time, interface, hop limit) is that of the"
            + " restore"));
        break;
      }
    }
    if (SocketOptions.value(state.options(), SOL_SOCKET, 15).isPresent()) {
      losses.add(Loss.of("its unread datagrams may come to another socket that shares its port (SO_REUSEPORT)"));
    }
    return losses;
  }

  private static boolean isLost(State state) {
    return new SocketAddress(state.local()).isMulticast();
  }

  /// Every address is at home in the network of a copy.
  @Override
  public State agreed(State state, State copy) {
    return new State(copy.family(), copy.protocol(), copy.flags(), copy.local(), copy.peer(), copy.options(),
        copy.queue(), copy.shut(), copy.error(), copy.groups(), copy.told(), state.away(), copy.corked());
  }

  @Override
  public List<Obstacle> obstacles(State written, Host host) {
    State state = written.mapped(addresses);
    SocketAddress local = new SocketAddress(state.local());
    List<Obstacle> missing = state.away() ? List.of() : local.obstacles("UDP socket " + local, state.options(), host);
    if (!missing.isEmpty()) {
      return missing;
    }
    return state.queue().isEmpty() || isLost(state) || host.capabilities().contains("CAP_NET_RAW") ? List.of()
        : List.of(new Obstacle.HostLacks("UDP socket " + local,
            "CAP_NET_RAW, to give it its " + state.queue().size() + " unread datagrams again", "restore as root"));
  }

  @Override
  public Ref<Fd> restore(State written, Script script, Refs refs) {
    State state = written.mapped(addresses);
    SocketAddress local = new SocketAddress(state.local());
    Ref<Fd> fd = script.call(Nr.SOCKET, "UDP socket " + local, Arg.imm(state.family()),
        Arg.imm(SOCK_DGRAM | state.flags() & OpenFlags.O_NONBLOCK), Arg.imm(state.protocol()));
    Arg socket = Arg.result(fd);
    SocketOptions.setBefore(state.options(), socket, script);
    Memberships.join(state.groups(), socket, script);
    if (local.isBound()) {
      local.bind(state.away(), state.options(), socket, script);
    }
    // A connected socket takes nothing but its peer's, and takes that before others who share its port.
    boolean fromPeer = state.queue().stream().allMatch(datagram -> state.peer().equals(Optional.of(datagram.from())));
    if (!fromPeer) {
      fill(state, local, socket, script);
    }
    if (state.peer().isPresent()) {
      Bytes peer = state.peer().get();
      script.call(Nr.CONNECT, "its peer " + new SocketAddress(peer), socket, Arg.data(peer), Arg.imm(peer.length()));
    }
    if (fromPeer) {
      fill(state, local, socket, script);
    }
    state.corked().ifPresent(held -> script.callExpecting(held.payload().length(), Nr.SENDTO, "what waits for more",
        socket, Arg.data(held.payload()), Arg.imm(held.payload().length()), Arg.imm(MSG_MORE), Arg.data(held.to()),
        Arg.imm(held.to().length())));
    SocketOptions.setAfter(state.options(), socket, script);
    if (state.shut() != 0) {
      script.callTolerating(Set.of(Errno.ENOTCONN), Nr.SHUTDOWN, "it was shut down", socket,
          Arg.imm(state.shut() - 1));
    }
    OpenFlags.complete(state.flags(), fd, script);
    return fd;
  }

  private static void fill(State state, SocketAddress local, Arg socket, Script script) {
    if (!state.queue().isEmpty() && !isLost(state)) {
      long bytes = state.queue().stream().mapToLong(datagram -> 2048L + 2L * datagram.payload().length()).sum();
      SocketOptions.widen(bytes + QUEUE_SLACK_BYTES, socket, script);
      DatagramQueue.send(state.protocol(), state.queue(), local, script);
    }
  }
}
