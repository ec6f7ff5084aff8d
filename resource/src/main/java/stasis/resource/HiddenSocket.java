package stasis.resource;

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
///     writing
public record HiddenSocket(boolean sharersProgram, boolean policies, int busyPollBudget, int multicastIndex,
    int multicastAddress, Bytes stickyInfo, int fragmentBytes, boolean flowLabels, boolean anycast, boolean keyed,
    int segmentBytes, int shutdown) {}
