package stasis.kinds.socket;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import stasis.linux.abi.Bytes;

/// Every option of an internet socket that can be read and set, in the order in which they are set. What is missing
/// here has its reason in `options.exceptions` beside the test, which knows every name of the headers.
///
/// Levels and names: uapi/asm-generic/socket.h, linux/in.h, linux/in6.h, linux/tcp.h, linux/udp.h.
final class OptionTable {
  static final int SOL_SOCKET = 1;
  static final int IPPROTO_IP = 0;
  static final int IPPROTO_TCP = 6;
  static final int IPPROTO_UDP = 17;
  static final int IPPROTO_IPV6 = 41;
  static final int IPPROTO_UDPLITE = 136;
  static final int IP_MULTICAST_IF = 32;
  /// Always set, whatever a new socket would have.
  private static final List<Bytes> NONE = List.of();
  private static final Bytes ZERO = Bytes.ofU32(0);
  private static final int LONG_BYTES = 8;
  private static final int NAME_BYTES = 16;
  private static final int OPTIONS_BYTES = 1024;

  /// When it is set.
  enum When {
    /// Before it is bound: what bind(2), connect(2) and listen(2) look at.
    BEFORE,
    /// When it is connected and its queues are filled.
    AFTER,
    /// Before, and only where the kernel's memory shows it ([stasis.resource.HiddenSocket]).
    HIDDEN
  }

  /// One option.
  ///
  /// @param label its name in C @param roomBytes the longest value @param standard values that need not be set
  record Row(int level, int name, String label, int roomBytes, List<Bytes> standard, When when) {}

  private static final List<Row> ROWS = rows();
  private static final Map<Long, Row> BY_NAME = byName();

  private OptionTable() {}

  static List<Row> all() {
    return ROWS;
  }

  static java.util.Optional<Row> row(SocketOption option) {
    return java.util.Optional.ofNullable(BY_NAME.get(key(option.level(), option.name())));
  }

  private static long key(int level, int name) {
    return (long) level << 32 | name;
  }

  private static Map<Long, Row> byName() {
    var map = new HashMap<Long, Row>();
    ROWS.forEach(row -> map.put(key(row.level(), row.name()), row));
    return Map.copyOf(map);
  }

  private static List<Row> rows() {
    var rows = new ArrayList<Row>();
    socket(rows);
    ip(rows);
    ipv6(rows);
    tcp(rows);
    udp(rows);
    // After IP_TOS, which sets it too.
    number(rows, SOL_SOCKET, 12, "SO_PRIORITY", 0);
    late(rows);
    return List.copyOf(rows);
  }

  /// @param standard what a new socket has
  private static void number(List<Row> rows, int level, int name, String label, int... standard) {
    rows.add(new Row(level, name, label, 4,
        java.util.Arrays.stream(standard).mapToObj(Bytes::ofU32).toList(), When.BEFORE));
  }

  private static void socket(List<Row> rows) {
    number(rows, SOL_SOCKET, 2, "SO_REUSEADDR", 0);
    number(rows, SOL_SOCKET, 15, "SO_REUSEPORT", 0);
    rows.add(new Row(SOL_SOCKET, 25, "SO_BINDTODEVICE", NAME_BYTES, List.of(Bytes.EMPTY), When.BEFORE));
    number(rows, SOL_SOCKET, 36, "SO_MARK", 0);
    number(rows, SOL_SOCKET, 1, "SO_DEBUG", 0);
    number(rows, SOL_SOCKET, 5, "SO_DONTROUTE", 0);
    number(rows, SOL_SOCKET, 6, "SO_BROADCAST", 0);
    number(rows, SOL_SOCKET, 9, "SO_KEEPALIVE", 0);
    number(rows, SOL_SOCKET, 10, "SO_OOBINLINE", 0);
    number(rows, SOL_SOCKET, 11, "SO_NO_CHECK", 0);
    number(rows, SOL_SOCKET, 16, "SO_PASSCRED", 0);
    number(rows, SOL_SOCKET, 18, "SO_RCVLOWAT", 1);
    rows.add(new Row(SOL_SOCKET, 20, "SO_RCVTIMEO", 16, List.of(Bytes.zeros(16)), When.BEFORE));
    rows.add(new Row(SOL_SOCKET, 21, "SO_SNDTIMEO", 16, List.of(Bytes.zeros(16)), When.BEFORE));
    number(rows, SOL_SOCKET, 29, "SO_TIMESTAMP_OLD", 0);
    number(rows, SOL_SOCKET, 35, "SO_TIMESTAMPNS_OLD", 0);
    number(rows, SOL_SOCKET, 63, "SO_TIMESTAMP_NEW", 0);
    number(rows, SOL_SOCKET, 64, "SO_TIMESTAMPNS_NEW", 0);
    number(rows, SOL_SOCKET, 34, "SO_PASSSEC", 0);
    number(rows, SOL_SOCKET, 40, "SO_RXQ_OVFL", 0);
    number(rows, SOL_SOCKET, 41, "SO_WIFI_STATUS", 0);
    number(rows, SOL_SOCKET, 43, "SO_NOFCS", 0);
    number(rows, SOL_SOCKET, 45, "SO_SELECT_ERR_QUEUE", 0);
    number(rows, SOL_SOCKET, 46, "SO_BUSY_POLL", 0);
    number(rows, SOL_SOCKET, 49, "SO_INCOMING_CPU", -1);
    rows.add(new Row(SOL_SOCKET, 47, "SO_MAX_PACING_RATE", LONG_BYTES, List.of(Bytes.ofU64(-1)), When.BEFORE));
    number(rows, SOL_SOCKET, 60, "SO_ZEROCOPY", 0);
    rows.add(new Row(SOL_SOCKET, 61, "SO_TXTIME", LONG_BYTES, List.of(Bytes.zeros(LONG_BYTES)), When.BEFORE));
    number(rows, SOL_SOCKET, 69, "SO_PREFER_BUSY_POLL", 0);
    hidden(rows, SOL_SOCKET, 70, "SO_BUSY_POLL_BUDGET", 4);
    number(rows, SOL_SOCKET, 73, "SO_RESERVE_MEM", 0);
    number(rows, SOL_SOCKET, 74, "SO_TXREHASH", 1);
    number(rows, SOL_SOCKET, 75, "SO_RCVMARK", 0);
    number(rows, SOL_SOCKET, 82, "SO_RCVPRIORITY", 0);
  }

  private static void ip(List<Row> rows) {
    number(rows, IPPROTO_IP, 1, "IP_TOS", 0);
    number(rows, IPPROTO_IP, 2, "IP_TTL", 64);
    number(rows, IPPROTO_IP, 3, "IP_HDRINCL", 0);
    rows.add(new Row(IPPROTO_IP, 4, "IP_OPTIONS", OPTIONS_BYTES, List.of(Bytes.EMPTY), When.BEFORE));
    number(rows, IPPROTO_IP, 6, "IP_RECVOPTS", 0);
    number(rows, IPPROTO_IP, 7, "IP_RETOPTS", 0);
    number(rows, IPPROTO_IP, 8, "IP_PKTINFO", 0);
    number(rows, IPPROTO_IP, 10, "IP_MTU_DISCOVER", 1);
    number(rows, IPPROTO_IP, 11, "IP_RECVERR", 0);
    number(rows, IPPROTO_IP, 12, "IP_RECVTTL", 0);
    number(rows, IPPROTO_IP, 13, "IP_RECVTOS", 0);
    number(rows, IPPROTO_IP, 15, "IP_FREEBIND", 0);
    number(rows, IPPROTO_IP, 18, "IP_PASSSEC", 0);
    number(rows, IPPROTO_IP, 19, "IP_TRANSPARENT", 0);
    number(rows, IPPROTO_IP, 20, "IP_RECVORIGDSTADDR", 0);
    number(rows, IPPROTO_IP, 21, "IP_MINTTL", 0);
    number(rows, IPPROTO_IP, 22, "IP_NODEFRAG", 0);
    number(rows, IPPROTO_IP, 23, "IP_CHECKSUM", 0);
    number(rows, IPPROTO_IP, 24, "IP_BIND_ADDRESS_NO_PORT", 0);
    number(rows, IPPROTO_IP, 25, "IP_RECVFRAGSIZE", 0);
    number(rows, IPPROTO_IP, 26, "IP_RECVERR_RFC4884", 0);
    rows.add(new Row(IPPROTO_IP, IP_MULTICAST_IF, "IP_MULTICAST_IF", 12, List.of(ZERO), When.BEFORE));
    number(rows, IPPROTO_IP, 33, "IP_MULTICAST_TTL", 1);
    number(rows, IPPROTO_IP, 34, "IP_MULTICAST_LOOP", 1);
    rows.add(new Row(IPPROTO_IP, 49, "IP_MULTICAST_ALL", 4, NONE, When.BEFORE));
    number(rows, IPPROTO_IP, 50, "IP_UNICAST_IF", 0);
    number(rows, IPPROTO_IP, 51, "IP_LOCAL_PORT_RANGE", 0);
  }

  private static void ipv6(List<Row> rows) {
    rows.add(new Row(IPPROTO_IPV6, 26, "IPV6_V6ONLY", 4, NONE, When.BEFORE));
    number(rows, IPPROTO_IPV6, 2, "IPV6_2292PKTINFO", 0);
    number(rows, IPPROTO_IPV6, 3, "IPV6_2292HOPOPTS", 0);
    number(rows, IPPROTO_IPV6, 4, "IPV6_2292DSTOPTS", 0);
    number(rows, IPPROTO_IPV6, 5, "IPV6_2292RTHDR", 0);
    number(rows, IPPROTO_IPV6, 7, "IPV6_CHECKSUM", -1);
    number(rows, IPPROTO_IPV6, 8, "IPV6_2292HOPLIMIT", 0);
    number(rows, IPPROTO_IPV6, 11, "IPV6_FLOWINFO", 0);
    number(rows, IPPROTO_IPV6, 16, "IPV6_UNICAST_HOPS", 64);
    number(rows, IPPROTO_IPV6, 17, "IPV6_MULTICAST_IF", 0);
    number(rows, IPPROTO_IPV6, 18, "IPV6_MULTICAST_HOPS", 1);
    number(rows, IPPROTO_IPV6, 19, "IPV6_MULTICAST_LOOP", 1);
    number(rows, IPPROTO_IPV6, 23, "IPV6_MTU_DISCOVER", 1);
    number(rows, IPPROTO_IPV6, 25, "IPV6_RECVERR", 0);
    number(rows, IPPROTO_IPV6, 29, "IPV6_MULTICAST_ALL", 1);
    number(rows, IPPROTO_IPV6, 30, "IPV6_ROUTER_ALERT_ISOLATE", 0);
    number(rows, IPPROTO_IPV6, 31, "IPV6_RECVERR_RFC4884", 0);
    number(rows, IPPROTO_IPV6, 33, "IPV6_FLOWINFO_SEND", 0);
    number(rows, IPPROTO_IPV6, 36, "IPV6_HDRINCL", 0);
    number(rows, IPPROTO_IPV6, 49, "IPV6_RECVPKTINFO", 0);
    number(rows, IPPROTO_IPV6, 51, "IPV6_RECVHOPLIMIT", 0);
    number(rows, IPPROTO_IPV6, 53, "IPV6_RECVHOPOPTS", 0);
    number(rows, IPPROTO_IPV6, 56, "IPV6_RECVRTHDR", 0);
    number(rows, IPPROTO_IPV6, 58, "IPV6_RECVDSTOPTS", 0);
    number(rows, IPPROTO_IPV6, 60, "IPV6_RECVPATHMTU", 0);
    number(rows, IPPROTO_IPV6, 62, "IPV6_DONTFRAG", 0);
    number(rows, IPPROTO_IPV6, 66, "IPV6_RECVTCLASS", 0);
    number(rows, IPPROTO_IPV6, 67, "IPV6_TCLASS", 0);
    number(rows, IPPROTO_IPV6, 70, "IPV6_AUTOFLOWLABEL", 1);
    number(rows, IPPROTO_IPV6, 72, "IPV6_ADDR_PREFERENCES", 0x500);
    number(rows, IPPROTO_IPV6, 73, "IPV6_MINHOPCOUNT", 0);
    number(rows, IPPROTO_IPV6, 74, "IPV6_RECVORIGDSTADDR", 0);
    number(rows, IPPROTO_IPV6, 75, "IPV6_TRANSPARENT", 0);
    number(rows, IPPROTO_IPV6, 76, "IPV6_UNICAST_IF", 0);
    number(rows, IPPROTO_IPV6, 77, "IPV6_RECVFRAGSIZE", 0);
    number(rows, IPPROTO_IPV6, 78, "IPV6_FREEBIND", 0);
    sticky(rows, 54, "IPV6_HOPOPTS");
    sticky(rows, 55, "IPV6_RTHDRDSTOPTS");
    sticky(rows, 57, "IPV6_RTHDR");
    sticky(rows, 59, "IPV6_DSTOPTS");
    hidden(rows, IPPROTO_IPV6, 24, "IPV6_MTU", 4);
    hidden(rows, IPPROTO_IPV6, 50, "IPV6_PKTINFO", 20);
  }

  private static void sticky(List<Row> rows, int name, String label) {
    rows.add(new Row(IPPROTO_IPV6, name, label, OPTIONS_BYTES, List.of(Bytes.EMPTY), When.BEFORE));
  }

  /// One that getsockopt(2) does not tell, or tells something else of.
  private static void hidden(List<Row> rows, int level, int name, String label, int roomBytes) {
    rows.add(new Row(level, name, label, roomBytes, NONE, When.HIDDEN));
  }

  private static void tcp(List<Row> rows) {
    number(rows, IPPROTO_TCP, 1, "TCP_NODELAY", 0);
    hidden(rows, IPPROTO_TCP, 2, "TCP_MAXSEG", 4);
    number(rows, IPPROTO_TCP, 4, "TCP_KEEPIDLE", 7200);
    number(rows, IPPROTO_TCP, 5, "TCP_KEEPINTVL", 75);
    number(rows, IPPROTO_TCP, 6, "TCP_KEEPCNT", 9);
    number(rows, IPPROTO_TCP, 7, "TCP_SYNCNT", 6);
    number(rows, IPPROTO_TCP, 8, "TCP_LINGER2", 60);
    number(rows, IPPROTO_TCP, 9, "TCP_DEFER_ACCEPT", 0);
    rows.add(new Row(IPPROTO_TCP, 13, "TCP_CONGESTION", NAME_BYTES, NONE, When.BEFORE));
    number(rows, IPPROTO_TCP, 16, "TCP_THIN_LINEAR_TIMEOUTS", 0);
    number(rows, IPPROTO_TCP, 18, "TCP_USER_TIMEOUT", 0);
    number(rows, IPPROTO_TCP, 23, "TCP_FASTOPEN", 0);
    number(rows, IPPROTO_TCP, 25, "TCP_NOTSENT_LOWAT", 0);
    number(rows, IPPROTO_TCP, 27, "TCP_SAVE_SYN", 0);
    number(rows, IPPROTO_TCP, 30, "TCP_FASTOPEN_CONNECT", 0);
    rows.add(new Row(IPPROTO_TCP, 33, "TCP_FASTOPEN_KEY", 32, List.of(Bytes.EMPTY), When.BEFORE));
    number(rows, IPPROTO_TCP, 34, "TCP_FASTOPEN_NO_COOKIE", 0);
    number(rows, IPPROTO_TCP, 36, "TCP_INQ", 0);
    number(rows, IPPROTO_TCP, 37, "TCP_TX_DELAY", 0);
    number(rows, IPPROTO_TCP, 44, "TCP_RTO_MAX_MS", 120_000);
    number(rows, IPPROTO_TCP, 45, "TCP_RTO_MIN_US", 200_000);
    number(rows, IPPROTO_TCP, 46, "TCP_DELACK_MAX_US", 200_000);
  }

  private static void udp(List<Row> rows) {
    for (int level : new int[] {IPPROTO_UDP, IPPROTO_UDPLITE}) {
      number(rows, level, 100, "UDP_ENCAP", 0);
      number(rows, level, 101, "UDP_NO_CHECK6_TX", 0);
      number(rows, level, 102, "UDP_NO_CHECK6_RX", 0);
      number(rows, level, 103, "UDP_SEGMENT", 0);
      number(rows, level, 104, "UDP_GRO", 0);
    }
    number(rows, IPPROTO_UDPLITE, 10, "UDPLITE_SEND_CSCOV", 0);
    number(rows, IPPROTO_UDPLITE, 11, "UDPLITE_RECV_CSCOV", 0);
  }

  /// A filter may drop what the queues are filled with; buffers are wide meanwhile; a corked socket holds back.
  private static void late(List<Row> rows) {
    rows.add(new Row(SOL_SOCKET, 13, "SO_LINGER", LONG_BYTES, List.of(Bytes.zeros(LONG_BYTES)), When.AFTER));
    rows.add(new Row(SOL_SOCKET, 37, "SO_TIMESTAMPING_OLD", LONG_BYTES, List.of(Bytes.zeros(LONG_BYTES)), When.AFTER));
    rows.add(new Row(SOL_SOCKET, 65, "SO_TIMESTAMPING_NEW", LONG_BYTES, List.of(Bytes.zeros(LONG_BYTES)), When.AFTER));
    rows.add(new Row(SOL_SOCKET, 42, "SO_PEEK_OFF", 4, List.of(Bytes.ofU32(-1)), When.AFTER));
    rows.add(new Row(SOL_SOCKET, SocketOptions.SO_SNDBUF, "SO_SNDBUF", 4, NONE, When.AFTER));
    rows.add(new Row(SOL_SOCKET, SocketOptions.SO_RCVBUF, "SO_RCVBUF", 4, NONE, When.AFTER));
    rows.add(new Row(SOL_SOCKET, 72, "SO_BUF_LOCK", 4, NONE, When.AFTER));
    rows.add(new Row(IPPROTO_TCP, 10, "TCP_WINDOW_CLAMP", 4, List.of(ZERO), When.AFTER));
    rows.add(new Row(IPPROTO_TCP, 3, "TCP_CORK", 4, List.of(ZERO), When.AFTER));
    rows.add(new Row(IPPROTO_UDP, 1, "UDP_CORK", 4, List.of(ZERO), When.AFTER));
    rows.add(new Row(IPPROTO_UDPLITE, 1, "UDP_CORK", 4, List.of(ZERO), When.AFTER));
    rows.add(new Row(SOL_SOCKET, SocketOptions.SO_FILTER, "SO_ATTACH_FILTER", 0, List.of(Bytes.EMPTY), When.AFTER));
    rows.add(new Row(SOL_SOCKET, 44, "SO_LOCK_FILTER", 4, List.of(ZERO), When.AFTER));
  }
}
