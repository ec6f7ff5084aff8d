package stasis.kinds;

/// What becomes of a TCP connection whose other end is outside the tree.
public enum TcpPeers {
  /// The checkpoint is refused, with both addresses.
  REFUSE,
  /// It comes back reset, and that is told.
  CLOSE,
  /// It is kept from the peer that nobody is there, until it comes back on the same host.
  KEEP
}
