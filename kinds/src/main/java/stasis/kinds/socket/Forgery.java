package stasis.kinds.socket;

import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.Script;

/// What a peer sent once already, said again to a socket of this host: over loopback, whoever holds the peer's address.
///
/// @param acknowledged what the peer has of us @param window as in the header, scaled
public record Forgery(SocketAddress peer, SocketAddress local, int acknowledged, int window) {
  private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
  private static final int IPPROTO_RAW = 255;
  private static final int PAYLOAD_BYTES = 32_768;

  /// Appends the sending of its FIN.
  public void fin(int sequence, Script script) {
    Arg raw = open(script);
    send(raw, RawDatagram.segment(peer, local, RawDatagram.FIN, sequence, acknowledged, window, Bytes.EMPTY),
        "its FIN, which was here", script);
    script.call(Nr.CLOSE, "no more", raw);
  }

  /// Appends the sending of data whose first byte is urgent.
  public void urgent(int sequence, Bytes content, Script script) {
    Arg raw = open(script);
    SocketOptions.widen(4L * PAYLOAD_BYTES, raw, script);
    for (int at = 0; at < content.length(); at += PAYLOAD_BYTES) {
      Bytes part = content.slice(at, Math.min(PAYLOAD_BYTES, content.length() - at));
      send(raw, RawDatagram.segment(peer, local, at == 0 ? RawDatagram.URG : 0, sequence + at, acknowledged, window,
          part), "its urgent byte, and what follows", script);
    }
    script.call(Nr.CLOSE, "no more", raw);
  }

  private Arg open(Script script) {
    return Arg.result(script.call(Nr.SOCKET, "speaks for " + peer,
        Arg.imm(local.host().length() == 4 ? SocketAddress.AF_INET : SocketAddress.AF_INET6),
        Arg.imm(SOCK_RAW_CLOEXEC), Arg.imm(IPPROTO_RAW)));
  }

  private void send(Arg raw, Bytes segment, String why, Script script) {
    boolean v4 = local.host().length() == 4;
    Bytes to = v4 ? Bytes.ofU32(SocketAddress.AF_INET).concat(local.host()).concat(Bytes.zeros(8))
        : Bytes.ofU32(SocketAddress.AF_INET6, 0).concat(local.host()).concat(Bytes.ofU32(local.scope()));
    script.callExpecting(segment.length(), Nr.SENDTO, why, raw, Arg.data(segment), Arg.imm(segment.length()),
        Arg.imm(0), Arg.data(to), Arg.imm(to.length()));
  }
}
