package stasis.kinds.socket;

import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.Script;

/// The FIN of a peer that sent it once already, said again to a socket of this host: over loopback, whoever holds the
/// peer's address.
public final class Forgery {
  private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
  private static final int IPPROTO_RAW = 255;

  private Forgery() {}

  /// Appends its sending.
  ///
  /// @param sequence of the FIN @param acknowledged what the peer has of us @param window as in the header, scaled
  public static void fin(SocketAddress peer, SocketAddress local, int sequence, int acknowledged, int window,
      Script script) {
    boolean v4 = local.host().length() == 4;
    int family = v4 ? SocketAddress.AF_INET : SocketAddress.AF_INET6;
    Bytes to = v4 ? Bytes.ofU32(family).concat(local.host()).concat(Bytes.zeros(8))
        : Bytes.ofU32(family, 0).concat(local.host()).concat(Bytes.ofU32(local.scope()));
    Bytes segment = RawDatagram.fin(peer, local, sequence, acknowledged, window);
    Arg raw = Arg.result(script.call(Nr.SOCKET, "speaks for " + peer, Arg.imm(family), Arg.imm(SOCK_RAW_CLOEXEC),
        Arg.imm(IPPROTO_RAW)));
    script.callExpecting(segment.length(), Nr.SENDTO, "its FIN, which was here", raw, Arg.data(segment),
        Arg.imm(segment.length()), Arg.imm(0), Arg.data(to), Arg.imm(to.length()));
    script.call(Nr.CLOSE, "no more", raw);
  }
}
