package stasis.kinds.file.tcp;

import java.util.Optional;
import stasis.kinds.file.Readiness;
import stasis.kinds.socket.SocketOption;
import stasis.kinds.socket.TcpState;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.HiddenQueues;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

/// How far an end of a connection of Multipath TCP is (linux/mptcp.h, struct mptcp_info): sequence numbers of 64 bits,
/// a FIN counted, which are the same at both ends.
///
/// Such a connection cannot be repaired (net/mptcp/sockopt.c: TCP_REPAIR is not among its options), so it comes back as
/// one of TCP: each end has unread all that the other was ever given to send. Nothing is left on its way, as after a
/// moment of good network.
///
/// @param written of the byte behind the last that was written @param acknowledged up to where the other end has it
/// @param received of the next byte to come @param sentBytes how many were ever sent
record MultipathEnd(long written, long acknowledged, long received, long sentBytes) {
  private static final int SOL_MPTCP = 284;
  private static final int MPTCP_INFO = 1;
  private static final int INFO_BYTES = 64;
  private static final int SIOCINQ = 0x541b;
  private static final int MSG_PEEK_DONTWAIT = 0x2 | 0x40;
  private static final int ADVMSS_AT = 84;
  private static final int WINDOW = 1 << 15;
  private static final int ATTEMPTS = 5;

  /// Empty for one whose other end speaks TCP alone, and for one without a connection.
  static Optional<MultipathEnd> of(OpenFile file) {
    return SocketOption.read(file, SOL_MPTCP, MPTCP_INFO, INFO_BYTES).filter(info -> info.length() == INFO_BYTES)
        .map(info -> new MultipathEnd(info.u64(16), info.u64(24), info.u64(32), info.u64(56)));
  }

  /// The end of a connection of TCP that takes its place.
  ///
  /// @param other the other end; empty when it was closed and this one has been told
  /// @param state of this end, and @param otherState of the other @param info struct tcp_info
  static Connection read(OpenFile file, Optional<OpenFile> other, int state, int otherState, Bytes info)
      throws ObstructedException {
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      MultipathEnd here = require(file);
      Optional<MultipathEnd> there = other.isPresent() ? Optional.of(require(other.get())) : Optional.empty();
      boolean heardFin = there.isPresent() ? TcpState.hasSentFin(otherState) && here.received == there.get().written
          : TcpState.hasReceivedFin(state);
      long known = here.received - (heardFin ? 1 : 0);
      long end = there.map(one -> one.written - (TcpState.hasSentFin(otherState) ? 1 : 0)).orElse(known);
      Bytes flying = end == known || other.isEmpty() ? Bytes.EMPTY : flying(other.get(), known, end);
      Bytes unread = peek(file);
      boolean moved = other.isPresent() && require(other.get()).acknowledged != there.orElseThrow().acknowledged;
      if (!moved && require(file).received == here.received) {
        return here.connection(state, (int) end, unread.concat(flying), info, other.isPresent(),
            (Readiness.of(file, Readiness.READ_SHUT) & Readiness.READ_SHUT) != 0 && !heardFin);
      }
    }
    throw new ObstructedException(file.subject(), "its data do not come to rest", "try again");
  }

  private Connection connection(int state, int receiveSeq, Bytes unread, Bytes info, boolean inTree, boolean shutRead) {
    boolean saidFin = TcpState.hasSentFin(state);
    // The other end's FIN, if there is one, comes once more.
    return new Connection(inTree ? Connection.Peer.TREE : Connection.Peer.NOBODY,
        saidFin ? TcpState.FIN_WAIT1 : TcpState.ESTABLISHED, (int) written - (saidFin ? 1 : 0), receiveSeq, unread,
        Bytes.EMPTY, Bytes.EMPTY, info.u32(ADVMSS_AT), info.u8(5) & ~Connection.INFO_ECN, info.u8(6), 1,
        Bytes.ofU32(receiveSeq, WINDOW, WINDOW, WINDOW, receiveSeq), shutRead, Optional.empty(), Optional.empty());
  }

  /// What one has unread. SIOCINQ counts a FIN too.
  static Bytes peek(OpenFile file) throws ObstructedException {
    Answer count = file.ask(Nr.IOCTL, Arg.self(), Arg.imm(SIOCINQ), Arg.space(4));
    int room = count.failed() ? 0 : count.output(2).u32(0);
    if (room == 0) {
      return Bytes.EMPTY;
    }
    Answer answer = file.ask(Nr.RECVFROM, Arg.self(), Arg.space(room), Arg.imm(room), Arg.imm(MSG_PEEK_DONTWAIT),
        Arg.imm(0), Arg.imm(0));
    if (answer.failedWith(Errno.EAGAIN)) {
      return Bytes.EMPTY;
    }
    if (answer.failed() || answer.result() < room - 1) {
      throw new ObstructedException(file.subject(), "of its " + room + " unread bytes " + answer.result()
          + " can be read", "let the program read them before the checkpoint");
    }
    return answer.output(1).slice(0, (int) answer.result());
  }

  private static Bytes flying(OpenFile from, long first, long end) throws ObstructedException {
    HiddenQueues queues = from.hiddenQueues().orElseThrow(() -> new ObstructedException(from.subject(),
        "it has sent data over Multipath TCP that have not arrived", "try again, or run with CAP_BPF and CAP_PERFMON"));
    return queues.multipath(first, Math.toIntExact(end - first));
  }

  static MultipathEnd require(OpenFile file) throws ObstructedException {
    return of(file).orElseThrow(() -> new ObstructedException(file.subject(), "its peer speaks TCP alone, and the"
        + " kernel lets nobody repair such a connection of a socket of Multipath TCP",
        "run the program over TCP (Go: GODEBUG=multipathtcp=0)"));
  }
}
