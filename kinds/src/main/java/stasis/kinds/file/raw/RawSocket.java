package stasis.kinds.file.raw;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.AddressMap;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.file.Readiness;
import stasis.kinds.file.SocketFacts;
import stasis.kinds.socket.HiddenOptions;
import stasis.kinds.socket.Memberships;
import stasis.kinds.socket.NetText;
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
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A raw socket over IPv4 or IPv6 (raw(7)), or one for pings (icmp(7)): its addresses, options and filters. What it has
/// not read is lost, and told.
public final class RawSocket implements FileKind<RawSocket.State> {
  /// @param family AF_INET or AF_INET6 @param type SOCK_RAW, or SOCK_DGRAM for pings @param flags O_NONBLOCK
  /// @param local sockaddr; for pings its port is their id @param peer sockaddr when connected
  /// @param options that a new socket has otherwise @param filter ICMP_FILTER or ICMP6_FILTER, empty for none
  /// @param shut by shutdown(2): 1 for reading, 2 for writing @param groups multicast groups it has joined
  /// @param told what does not come back as it was
  record State(@Tag(1) int family, @Tag(2) int type, @Tag(3) int protocol, @Tag(4) int flags, @Tag(5) Bytes local,
      @Tag(6) Optional<Bytes> peer, @Tag(7) List<SocketOption> options, @Tag(8) Bytes filter, @Tag(9) int shut,
      @Tag(10) List<Memberships.Membership> groups, @Tag(11) List<String> told) {
    State {
      if (family != SocketAddress.AF_INET && family != SocketAddress.AF_INET6 || type != SOCK_RAW && type != SOCK_DGRAM
          || filter.length() > V6_FILTER_BYTES) {
        throw new IllegalArgumentException("family " + family + ", type " + type + ", filter of " + filter.length());
      }
      options = SocketOptions.checked(options);
      groups = List.copyOf(groups);
      told = List.copyOf(told);
    }

    State mapped(AddressMap map) {
      return map.rules().isEmpty() ? this : new State(family, type, protocol, flags, at(local, map),
          peer.map(address -> at(address, map)), SocketOptions.mapped(options, map), filter, shut, groups, told);
    }

    private static Bytes at(Bytes address, AddressMap map) {
      return new SocketAddress(address).mapped(map).bytes();
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.raw", 1);
  private static final int SOCK_DGRAM = 2;
  private static final int SOCK_RAW = 3;
  private static final int SOL_SOCKET = 1;
  private static final int SOL_IPV6 = 41;
  private static final int SOL_RAW = 255;
  private static final int SO_PROTOCOL = 38;
  private static final int IPPROTO_ICMP = 1;
  private static final int IPPROTO_IGMP = 2;
  private static final int IPPROTO_ICMPV6 = 58;
  private static final int IPPROTO_RAW = 255;
  private static final int IPV6_CHECKSUM = 7;
  private static final int IPV6_V6ONLY = 26;
  private static final int FILTER = 1;
  private static final int V4_FILTER_BYTES = 4;
  private static final int V6_FILTER_BYTES = 32;
  private static final int ESTABLISHED = 1;

  private final AddressMap addresses;

  /// @param addresses that are others at the restore
  public RawSocket(AddressMap addresses) {
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
    int type = SocketFacts.option(file, SocketFacts.SO_TYPE);
    return (family == SocketAddress.AF_INET || family == SocketAddress.AF_INET6) && (type == SOCK_RAW
        || type == SOCK_DGRAM && isIcmp(SocketFacts.option(file, SO_PROTOCOL)));
  }

  private static boolean isIcmp(int protocol) {
    return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6;
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    int family = SocketFacts.domain(file);
    int type = SocketFacts.option(file, SocketFacts.SO_TYPE);
    int protocol = SocketFacts.option(file, SO_PROTOCOL);
    boolean v6 = family == SocketAddress.AF_INET6;
    if (protocol == IPPROTO_IGMP && NetText.read(file, "/proc/net/ip_mr_vif").lines().count() > 1) {
      throw new ObstructedException(file.subject(), "the host routes multicast, perhaps by this socket (MRT_INIT)",
          "end the multicast router before the checkpoint");
    }
    Set<Integer> levels = new HashSet<>(Set.of(SOL_SOCKET));
    // A raw socket of IPv6 has no options of IPv4 (net/ipv6/ipv6_sockglue.c, ipv6_getsockopt()).
    levels.add(v6 ? SOL_IPV6 : 0);
    List<SocketOption> options = SocketOptions.of(file, OptionSet.of(levels, true)).stream()
        .filter(option -> option.level() != SOL_IPV6 || isOwn(option.name(), type, protocol)).toList();
    int ready = Readiness.of(file, Readiness.READ_SHUT | Readiness.READABLE);
    return new State(family, type, protocol, OpenFlags.of(file), SocketAddress.local(file).bytes(),
        peer(file, v6, type), options, filter(file, v6, type, protocol), HiddenOptions.shut(file), Memberships.of(file, v6),
        told(file, options, type, protocol, ready));
  }

  /// A raw socket is bound by its protocol, which then lets nobody set IPV6_V6ONLY; the checksum of ICMPv6 is fixed.
  private static boolean isOwn(int v6Option, int type, int protocol) {
    return (v6Option != IPV6_V6ONLY || type == SOCK_DGRAM)
        && (v6Option != IPV6_CHECKSUM || protocol != IPPROTO_ICMPV6);
  }

  private static Bytes filter(OpenFile file, boolean v6, int type, int protocol) {
    if (type != SOCK_RAW || protocol != (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)) {
      return Bytes.EMPTY;
    }
    int length = v6 ? V6_FILTER_BYTES : V4_FILTER_BYTES;
    return SocketOption.read(file, v6 ? IPPROTO_ICMPV6 : SOL_RAW, FILTER, length)
        .filter(filter -> !filter.equals(Bytes.zeros(length))).orElse(Bytes.EMPTY);
  }

  private static List<String> told(OpenFile file, List<SocketOption> options, int type, int protocol, int ready) {
    var told = new ArrayList<>(HiddenOptions.told(file, options, true));
    if ((ready & (Readiness.READABLE | Readiness.READ_SHUT)) == Readiness.READABLE) {
      told.add("its unread packets are lost");
    }
    if ((ready & Readiness.ERROR) != 0) {
      told.add("errors that it has not read are not there again");
    }
    if (type == SOCK_RAW && protocol != IPPROTO_ICMP && protocol != IPPROTO_RAW) {
      told.add("whether it takes packets with the router alert (IP_ROUTER_ALERT, IPV6_ROUTER_ALERT) is not known; it"
          + " will not");
    }
    return told;
  }

  /// getpeername(2) tells nothing where the port is 0, as it mostly is (net/ipv4/af_inet.c, inet_getname()).
  private static Optional<Bytes> peer(OpenFile file, boolean v6, int type) throws ObstructedException {
    Optional<SocketAddress> told = SocketAddress.peer(file);
    if (told.isPresent()) {
      return told.map(SocketAddress::bytes);
    }
    String inode = Long.toString(file.facts().inode());
    String path = "/proc/net/" + (type == SOCK_RAW ? "raw" : "icmp") + (v6 ? "6" : "");
    for (String line : NetText.read(file, path).lines().skip(1).toList()) {
      // sl local remote st queues timer retransmits uid timeout inode (net/ipv4/raw.c, raw_sock_seq_show()).
      String[] words = line.strip().split("\\s+", -1);
      if (words.length > 9 && words[9].equals(inode) && Integer.parseInt(words[3], 16) == ESTABLISHED) {
        String[] remote = words[2].split(":", -1);
        return Optional.of(SocketAddress.of(host(remote[0]), Integer.parseInt(remote[1], 16)).bytes());
      }
    }
    return Optional.empty();
  }

  /// Words of 32 bits as this machine prints them.
  private static Bytes host(String hex) {
    Bytes host = Bytes.EMPTY;
    for (int at = 0; at < hex.length(); at += 8) {
      host = host.concat(Bytes.ofU32(Integer.parseUnsignedInt(hex.substring(at, at + 8), 16)));
    }
    return host;
  }

  @Override
  public List<Loss> losses(State state) {
    return state.told().stream().map(Loss::of).toList();
  }

  @Override
  public List<Obstacle> obstacles(State written, Host host) {
    State state = written.mapped(addresses);
    SocketAddress local = new SocketAddress(state.local());
    List<Obstacle> missing = new ArrayList<>(local.obstacles(subject(local), state.options(), host));
    if (missing.isEmpty() && state.type() == SOCK_RAW && !host.capabilities().contains("CAP_NET_RAW")) {
      missing.add(new Obstacle.HostLacks(subject(local), "CAP_NET_RAW", "restore as root"));
    }
    return missing;
  }

  private static String subject(SocketAddress local) {
    return "raw socket " + local.hostText();
  }

  @Override
  public Ref<Fd> restore(State written, Script script, Refs refs) {
    State state = written.mapped(addresses);
    SocketAddress local = new SocketAddress(state.local());
    Ref<Fd> fd = script.call(Nr.SOCKET, subject(local) + " of protocol " + state.protocol(), Arg.imm(state.family()),
        Arg.imm(state.type() | state.flags() & OpenFlags.O_NONBLOCK), Arg.imm(state.protocol()));
    Arg socket = Arg.result(fd);
    SocketOptions.setBefore(state.options(), socket, script);
    if (!state.filter().isEmpty()) {
      script.call(Nr.SETSOCKOPT, "which ICMP messages it takes", socket,
          Arg.imm(state.family() == SocketAddress.AF_INET6 ? IPPROTO_ICMPV6 : SOL_RAW), Arg.imm(FILTER),
          Arg.data(state.filter()), Arg.imm(state.filter().length()));
    }
    Memberships.join(state.groups(), socket, script);
    SocketOptions.setAfter(state.options(), socket, script);
    // The port of a raw socket is its protocol and is not bound.
    if (!local.isAnyHost() || state.type() == SOCK_DGRAM && local.port() != 0) {
      script.call(Nr.BIND, "its address", socket, Arg.data(state.local()), Arg.imm(state.local().length()));
    }
    if (state.peer().isPresent()) {
      Bytes peer = state.peer().get();
      script.call(Nr.CONNECT, "its peer " + new SocketAddress(peer).hostText(), socket, Arg.data(peer),
          Arg.imm(peer.length()));
    }
    if (state.shut() != 0) {
      script.callTolerating(Set.of(Errno.ENOTCONN), Nr.SHUTDOWN, "it was shut down", socket,
          Arg.imm(state.shut() - 1));
    }
    OpenFlags.complete(state.flags(), fd, script);
    return fd;
  }
}
