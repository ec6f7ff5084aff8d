package stasis.linux.bpf;

import java.util.Optional;
import stasis.linux.abi.Bytes;

/// What the kernel keeps of an internet socket and no getsockopt(2) tells. Of another protocol's, a field is what that
/// has there: only those of its own mean something.
///
/// @param inode that its links in /proc show @param family AF_INET and so on @param sharersProgram whether a program
///     chooses among those who share its port (SO_ATTACH_REUSEPORT_CBPF) @param policies IPsec policies of its own
///     (IP_XFRM_POLICY) @param busyPollBudget SO_BUSY_POLL_BUDGET, 0 when not set
/// @param multicastIndex and @param multicastAddress what IP_MULTICAST_IF was given
/// @param stickyInfo struct in6_pktinfo of IPV6_PKTINFO; zeros when not set @param fragmentBytes IPV6_MTU, 0 when not
/// @param flowLabels whether it has leased any (IPV6_FLOWLABEL_MGR) @param anycast whether it joined an address
///     (IPV6_JOIN_ANYCAST) @param keyed whether its segments are signed (TCP_MD5SIG, TCP_AO_ADD_KEY)
/// @param segmentBytes TCP_MAXSEG as it was set; 0 when it was not @param shutdown 1 for reading, 2 for writing
/// @param stream of TCP, what it knows of its stream; empty for other protocols
public record KernelSocket(long inode, long address, int family, int protocol, boolean sharersProgram, boolean policies,
    int busyPollBudget, int multicastIndex, int multicastAddress, Bytes stickyInfo, int fragmentBytes,
    boolean flowLabels, boolean anycast, boolean keyed, int segmentBytes, int shutdown, Optional<Stream> stream) {
  /// Sequence numbers of a TCP connection, and what is urgent in it (net/ipv4/tcp_input.c, tcp_check_urg()).
  ///
  /// @param urgent TCP_URG_VALID, _NOTYET or _READ, and the byte @param urgentAt its place @param readTo of the next byte
  ///     to be read @param urgentSentTo behind the last byte that was sent as urgent @param acknowledged up to where
  /// @param openingData whether it sent data with its SYN
  public record Stream(int urgent, int urgentAt, int readTo, int urgentSentTo, int acknowledged,
      boolean openingData) {}

  private static final long SOCKFS_MAGIC = 0x534f434bL;
  private static final int AF_INET = 2;
  private static final int AF_INET6 = 10;
  private static final int IPPROTO_TCP = 6;
  private static final int INFO_BYTES = 20;

  /// @return empty for a file that is no internet socket
  static Optional<KernelSocket> of(Row<SocketField> row) {
    int family = row.int32(SocketField.FAMILY);
    if (row.unsigned(SocketField.MAGIC) != SOCKFS_MAGIC || family != AF_INET && family != AF_INET6) {
      return Optional.empty();
    }
    boolean v6 = family == AF_INET6;
    int protocol = row.int32(SocketField.PROTOCOL);
    boolean tcp = protocol == IPPROTO_TCP;
    return Optional.of(new KernelSocket(row.unsigned(SocketField.INODE), row.unsigned(SocketField.ADDRESS),
        family, protocol,
        row.flag(SocketField.SHARERS_PROGRAM), any(row, SocketField.POLICIES),
        number(row, SocketField.BUSY_POLL_BUDGET, true), row.int32(SocketField.MULTICAST_INDEX),
        row.int32(SocketField.MULTICAST_ADDRESS),
        v6 && row.has(SocketField.STICKY_INFO) ? row.bytes(SocketField.STICKY_INFO) : Bytes.zeros(INFO_BYTES),
        number(row, SocketField.FRAGMENT_BYTES, v6), number(row, SocketField.FLOW_LABELS, v6) != 0,
        number(row, SocketField.ANYCAST, v6) != 0,
        number(row, SocketField.MD5_KEYS, tcp) != 0 || number(row, SocketField.AO_KEYS, tcp) != 0,
        number(row, SocketField.USER_MSS, tcp), row.int32(SocketField.SHUTDOWN),
        tcp ? Optional.of(stream(row)) : Optional.empty()));
  }

  private static Stream stream(Row<SocketField> row) {
    return new Stream(row.int32(SocketField.URGENT), row.int32(SocketField.URGENT_AT),
        row.int32(SocketField.READ_TO), row.int32(SocketField.URGENT_SENT_TO), row.int32(SocketField.ACKNOWLEDGED),
        row.flag(SocketField.SYN_DATA));
  }

  private static boolean any(Row<SocketField> row, SocketField field) {
    return row.has(field) && !row.bytes(field).equals(Bytes.zeros(row.bytes(field).length()));
  }

  /// A pointer's lower half too is not 0 where it is not null.
  private static int number(Row<SocketField> row, SocketField field, boolean own) {
    return own && row.has(field) ? row.int32(field) : 0;
  }
}
