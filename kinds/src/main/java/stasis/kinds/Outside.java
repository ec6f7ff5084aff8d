package stasis.kinds;

/// What becomes of whatever leads out of the tree, as its user decides.
///
/// @param tcp connections @param pipes pipes of which the tree has one end @param sockets connected unix sockets
public record Outside(TcpPeers tcp, Pipes pipes, Sockets sockets) {
  /// A pipe whose other end is outside.
  public enum Pipes {
    /// The checkpoint is refused, with the name of who has it.
    REFUSE,
    /// It comes back as /dev/null.
    NULL,
    /// It comes back as the restorer's standard input or output.
    INHERIT
  }

  /// A unix socket whose peer is outside.
  public enum Sockets {
    /// The checkpoint is refused, with the name of who has it.
    REFUSE,
    /// It comes back as if the peer had hung up.
    DISCONNECT,
    /// It is connected to the same address again.
    RECONNECT
  }

  /// Nothing may lead out.
  public static final Outside REFUSED = of(TcpPeers.REFUSE);

  /// Nothing but connections.
  public static Outside of(TcpPeers tcp) {
    return new Outside(tcp, Pipes.REFUSE, Sockets.REFUSE);
  }
}
