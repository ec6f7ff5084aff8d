package stasis.resource;

import java.util.Optional;
import stasis.linux.abi.Bytes;

/// What only the kernel's own memory shows of an internet socket.
///
/// @param sharersProgram whether a program chooses among those who share its port (SO_ATTACH_REUSEPORT_CBPF)
/// @param policies whether it has IPsec policies of its own (IP_XFRM_POLICY) @param busyPollBudget
///     SO_BUSY_POLL_BUDGET, 0 when not set @param multicastIndex and @param multicastAddress what IP_MULTICAST_IF was
///     given @param stickyInfo struct in6_pktinfo of IPV6_PKTINFO; zeros when not set @param fragmentBytes what IPV6_MTU
///     was set to, or 0 @param flowLabels whether it has leased any (IPV6_FLOWLABEL_MGR) @param anycast whether it has
///     joined an address (IPV6_JOIN_ANYCAST) @param keyed whether its segments are signed (TCP_MD5SIG, TCP_AO_ADD_KEY)
/// @param segmentBytes what TCP_MAXSEG was set to, or 0 @param shutdown what shutdown(2) did: 1 for reading, 2 for
///     writing @param stream of TCP, what it knows of its stream; empty for other protocols
public record HiddenSocket(boolean sharersProgram, boolean policies, int busyPollBudget, int multicastIndex,
    int multicastAddress, Bytes stickyInfo, int fragmentBytes, boolean flowLabels, boolean anycast, boolean keyed,
    int segmentBytes, int shutdown, Optional<Stream> stream) {
  /// A bit of [Stream#urgent]: there is an urgent byte that was not read, or not come yet, or read.
  public static final int URGENT_UNREAD = 0x100;
  public static final int URGENT_ANNOUNCED = 0x200;
  public static final int URGENT_READ = 0x400;

  /// Sequence numbers of a TCP connection, and what is urgent in it.
  ///
  /// @param urgent one of the bits above, or 0 @param urgentAt its place @param readTo of the next byte to be read
  /// @param urgentSentTo behind the last byte that was sent as urgent @param acknowledged up to where
  /// @param openingData whether it sent data with its SYN
  public record Stream(int urgent, int urgentAt, int readTo, int urgentSentTo, int acknowledged,
      boolean openingData) {}
}
