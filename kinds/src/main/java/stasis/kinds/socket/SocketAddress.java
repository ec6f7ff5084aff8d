package stasis.kinds.socket;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import stasis.kinds.AddressMap;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.Host;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Script;

/// A struct sockaddr_in (ip(7)) or sockaddr_in6 (ipv6(7)).
public record SocketAddress(Bytes bytes) {
  public static final int AF_INET = 2;
  public static final int AF_INET6 = 10;
  private static final int V4_BYTES = 16;
  private static final int V6_BYTES = 28;
  private static final int V6_HOST_AT = 8;
  private static final int SCOPE_AT = 24;
  private static final int ROOM_BYTES = 128;
  private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
  private static final int IP_FREEBIND = 15;

  public SocketAddress {
    int length = bytes.length() < 2 ? 0 : switch (bytes.u16(0)) {
      case AF_INET -> V4_BYTES;
      case AF_INET6 -> V6_BYTES;
      default -> 0;
    };
    if (length == 0 || bytes.length() != length) {
      throw new IllegalArgumentException("no internet socket address: " + bytes);
    }
  }

  /// getsockname(2).
  public static SocketAddress local(OpenFile file) throws ObstructedException {
    Answer answer = file.ask(Nr.GETSOCKNAME, Arg.self(), Arg.space(ROOM_BYTES), Arg.data(Bytes.ofU32(ROOM_BYTES)));
    if (answer.failed()) {
      throw new ObstructedException(file.subject(), "its address cannot be had: " + Errno.of(answer.result()), "");
    }
    return of(answer);
  }

  /// getpeername(2); empty for a socket that is not connected.
  public static Optional<SocketAddress> peer(OpenFile file) {
    Answer answer = file.ask(Nr.GETPEERNAME, Arg.self(), Arg.space(ROOM_BYTES), Arg.data(Bytes.ofU32(ROOM_BYTES)));
    return answer.failed() ? Optional.empty() : Optional.of(of(answer));
  }

  private static SocketAddress of(Answer answer) {
    return new SocketAddress(answer.output(1).slice(0, answer.output(2).u32(0)));
  }

  /// @param host 4 or 16 bytes
  public static SocketAddress of(Bytes host, int port) {
    Bytes head = Bytes.of(new byte[] {(byte) (host.length() == 4 ? AF_INET : AF_INET6), 0, (byte) (port >> 8),
        (byte) port});
    return new SocketAddress(host.length() == 4 ? head.concat(host).concat(Bytes.zeros(8))
        : head.concat(Bytes.zeros(4)).concat(host).concat(Bytes.zeros(4)));
  }

  /// @param interfaceIndex which a link-local address is meant on
  public static SocketAddress of(Bytes host, int port, int interfaceIndex) {
    SocketAddress plain = of(host, port);
    boolean linkLocal = host.length() == 16 && host.u8(0) == 0xfe && (host.u8(1) & 0xc0) == 0x80;
    return linkLocal ? new SocketAddress(plain.bytes().withU32(SCOPE_AT, interfaceIndex)) : plain;
  }

  /// The same for a socket of that family: IPv4 in IPv6 clothes where need be.
  public SocketAddress in(int family) {
    return family == AF_INET6 && family() == AF_INET ? of(Bytes.hex("00000000000000000000ffff").concat(host()), port())
        : this;
  }

  /// Where it is at a restore. IPv4 in IPv6 clothes stays so.
  public SocketAddress mapped(AddressMap map) {
    return map.of(host(), port()).map(rule -> at(rule.to().host(), rule.to().port().orElse(port()))).orElse(this);
  }

  private SocketAddress at(Bytes host, int port) {
    int hostAt = family() == AF_INET ? 4 : host.length() == 4 ? V6_HOST_AT + 12 : V6_HOST_AT;
    int end = hostAt + host.length();
    return new SocketAddress(bytes.slice(0, 2).concat(Bytes.of(new byte[] {(byte) (port >> 8), (byte) port}))
        .concat(bytes.slice(4, hostAt - 4)).concat(host).concat(bytes.slice(end, bytes.length() - end)));
  }

  /// Whether a socket of this host could be bound to it.
  public boolean isOnHost(OpenFile asker) {
    if (isAnyHost()) {
      return true;
    }
    Answer socket = asker.ask(Nr.SOCKET, Arg.imm(family()), Arg.imm(SOCK_DGRAM_CLOEXEC), Arg.imm(0));
    if (socket.failed()) {
      return true;
    }
    Arg fd = Arg.imm(socket.result());
    Answer bound = asker.ask(Nr.BIND, fd, Arg.data(at(host(), 0).bytes()), Arg.imm(bytes.length()));
    asker.ask(Nr.CLOSE, fd);
    return !bound.failedWith(Errno.EADDRNOTAVAIL);
  }

  /// Appends bind(2).
  ///
  /// @param away whether the host need not have the address @param options of the socket
  public void bind(boolean away, List<SocketOption> options, Arg socket, Script script) {
    if (away) {
      free(1, "wherever it is", socket, script);
    }
    script.call(Nr.BIND, "its address", socket, Arg.data(bytes), Arg.imm(bytes.length()));
    if (away) {
      free(SocketOptions.value(options, 0, IP_FREEBIND).map(value -> value.u32(0)).orElse(0), "as it was", socket,
          script);
    }
  }

  private static void free(int value, String why, Arg socket, Script script) {
    script.call(Nr.SETSOCKOPT, why, socket, Arg.imm(0), Arg.imm(IP_FREEBIND), Arg.data(Bytes.ofU32(value)),
        Arg.imm(4));
  }

  /// What keeps a socket from being bound to it on a host, by name.
  ///
  /// @param options of the socket: some may be bound to any address
  public List<Obstacle> obstacles(String subject, List<SocketOption> options, Host host) {
    boolean free = options.stream().anyMatch(option -> option.level() == 0 && (option.name() == IP_FREEBIND
        || option.name() == 19) || option.level() == 41 && (option.name() == 75 || option.name() == 78));
    if (free || isAnyHost() || host.hasAddress(at(host(), 0).bytes())) {
      return List.of();
    }
    return List.of(new Obstacle.HostLacks(subject, "the address " + hostText() + ", which no interface of it has",
        "give the host that address, or restore with --map-address " + hostText() + "=ADDRESS"));
  }

  public int family() {
    return bytes.u16(0);
  }

  public int port() {
    return bytes.u8(2) << 8 | bytes.u8(3);
  }

  /// The address alone, 4 or 16 bytes; 4 also for IPv4 in IPv6 clothes (::ffff:1.2.3.4).
  public Bytes host() {
    if (family() == AF_INET) {
      return bytes.slice(4, 4);
    }
    Bytes host = bytes.slice(V6_HOST_AT, 16);
    return host.slice(0, 12).equals(Bytes.hex("00000000000000000000ffff")) ? host.slice(12, 4) : host;
  }

  public boolean isAnyHost() {
    Bytes host = host();
    return host.equals(Bytes.zeros(host.length()));
  }

  public boolean isMulticast() {
    Bytes host = host();
    return host.length() == 4 ? (host.u8(0) & 0xf0) == 0xe0 : host.u8(0) == 0xff;
  }

  /// Whether bind(2) was ever called or done for it.
  public boolean isBound() {
    return port() != 0 || !isAnyHost();
  }

  /// Interface that a link-local address is meant on; 0 for none.
  public int scope() {
    return family() == AF_INET6 ? bytes.u32(SCOPE_AT) : 0;
  }

  @Override
  public String toString() {
    return host().length() == 4 ? hostText() + ":" + port() : "[" + hostText() + "]:" + port();
  }

  /// The address without the port.
  public String hostText() {
    try {
      return InetAddress.getByAddress(host().toArray()).getHostAddress();
    } catch (UnknownHostException e) {
      throw new AssertionError("4 and 16 bytes are addresses", e);
    }
  }
}
