package stasis.kinds.file.tcp;

import java.util.List;
import java.util.Optional;
import stasis.image.Tag;
import stasis.kinds.file.Readiness;
import stasis.kinds.socket.SocketOption;
import stasis.kinds.socket.TcpState;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.HiddenSocket;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.OwnCall;

/// One end of a TCP connection, as repair mode shows it (net/ipv4/tcp.c, TCP_REPAIR).
///
/// @param peer who has the other end @param state TCP_ESTABLISHED and so on
/// @param sendSeq sequence number after the last byte that was written, and @param receiveSeq of the next to be
///     received, both without FINs
/// @param unread received and not read @param unacked sent and not acknowledged @param unsent written and not sent
/// @param segmentBytes the limit that was agreed on @param info TCPI_OPT_ bits @param scales for windows: of the other
///     end in bits 0 to 3, of this one in bits 4 to 7 @param urgentIn in what is unread @param urgentOut in what is
///     unacknowledged and unsent
/// @param timestamp of this end, opaque @param window struct tcp_repair_window @param shutRead SHUT_RD of shutdown(2)
record Connection(@Tag(1) Peer peer, @Tag(2) int state, @Tag(3) int sendSeq, @Tag(4) int receiveSeq,
    @Tag(5) Bytes unread, @Tag(6) Bytes unacked, @Tag(7) Bytes unsent, @Tag(8) int segmentBytes, @Tag(9) int info,
    @Tag(10) int scales, @Tag(11) int timestamp, @Tag(12) Bytes window, @Tag(13) boolean shutRead,
    @Tag(14) Optional<Urgent> urgentIn, @Tag(15) Optional<Urgent> urgentOut) {
  /// Who has the other end.
  enum Peer {
    /// A task of the tree.
    TREE,
    /// Nobody: it was closed, and this end has been told.
    NOBODY,
    /// A task outside the tree, on this host or another.
    OUTSIDE
  }

  static final int INFO_TIMESTAMPS = 1;
  static final int INFO_SACK = 2;
  static final int INFO_WSCALE = 4;
  static final int INFO_ECN = 8;
  static final int WINDOW_BYTES = 20;
  static final int SOL_SOCKET = 1;
  static final int SO_REUSEADDR = 2;
  static final int IPPROTO_TCP = 6;
  static final int TCP_MAXSEG = 2;
  static final int TCP_REPAIR = 19;
  static final int TCP_REPAIR_QUEUE = 20;
  static final int TCP_QUEUE_SEQ = 21;
  static final int TCP_TIMESTAMP = 24;
  static final int TCP_REPAIR_WINDOW = 29;
  static final int RECEIVE_QUEUE = 1;
  static final int SEND_QUEUE = 2;
  static final int REPAIR_ON = 1;
  /// Off without a window probe: nothing is sent.
  static final int REPAIR_OFF_QUIET = -1;
  private static final int SIOCINQ = 0x541b;
  private static final int SIOCOUTQ = 0x5411;
  private static final int SIOCOUTQNSD = 0x894b;
  private static final int MSG_PEEK_DONTWAIT = 0x2 | 0x40;

  Connection {
    if (urgentIn.filter(mark -> mark.at() < 0 || mark.at() >= unread.length()).isPresent() || urgentOut.filter(
        mark -> mark.at() < 0 || mark.at() >= unacked.length() + unsent.length()).isPresent()) {
      throw new IllegalArgumentException("an urgent byte beyond its queue");
    }
    if (!TcpState.isConnected(state) || window.length() != WINDOW_BYTES) {
      throw new IllegalArgumentException("a connection in state " + state + " with a window of " + window.length());
    }
  }

  /// How many of them are still on their way.
  int unackedBytes() {
    return unacked.length() + unsent.length();
  }

  boolean has(int infoBit) {
    return (info & infoBit) != 0;
  }

  /// What puts a socket out of repair mode, which resets SO_REUSEADDR (net/ipv4/tcp.c, do_tcp_setsockopt()).
  static List<OwnCall> repairOff(OpenFile file) {
    return repairOff(SocketOption.readInt(file, SOL_SOCKET, SO_REUSEADDR).orElse(0));
  }

  private static List<OwnCall> repairOff(int reuse) {
    return List.of(set(IPPROTO_TCP, TCP_REPAIR, REPAIR_OFF_QUIET), set(SOL_SOCKET, SO_REUSEADDR, reuse));
  }

  static OwnCall set(int level, int name, int value) {
    return OwnCall.of(Nr.SETSOCKOPT, Arg.self(), Arg.imm(level), Arg.imm(name), Arg.data(Bytes.ofU32(value)),
        Arg.imm(4));
  }

  /// Reads it in repair mode, which is left again. What undoes that if we cannot was promised before any file was
  /// described.
  ///
  /// @param info struct tcp_info @param reuse SO_REUSEADDR
  static Connection read(OpenFile file, Peer peer, Bytes info, int reuse) throws ObstructedException {
    int state = info.u8(0);
    int ready = Readiness.of(file, Readiness.READ_SHUT | Readiness.URGENT);
    Optional<HiddenSocket.Stream> hidden = file.hiddenSocket().flatMap(HiddenSocket::stream);
    if ((ready & Readiness.URGENT) != 0 && hidden.isEmpty()) {
      throw new ObstructedException(file.subject(), "it has urgent data that were not read",
          "let the program read them before the checkpoint, or run with CAP_BPF and CAP_PERFMON");
    }
    boolean shutRead = (ready & Readiness.READ_SHUT) != 0 && !TcpState.hasReceivedFin(state);
    int fin = TcpState.hasFinQueued(state) ? 1 : 0;
    int queued = Math.max(0, count(file, SIOCOUTQ) - fin);
    int unsent = Math.max(0, count(file, SIOCOUTQNSD) - fin);
    int unread = count(file, SIOCINQ);
    ask(file, set(IPPROTO_TCP, TCP_REPAIR, REPAIR_ON));
    try {
      Bytes window = option(file, TCP_REPAIR_WINDOW, WINDOW_BYTES);
      int segment = option(file, TCP_MAXSEG, 4).u32(0);
      int timestamp = (info.u8(5) & INFO_TIMESTAMPS) == 0 ? 0 : option(file, TCP_TIMESTAMP, 4).u32(0);
      int received = sequence(file, RECEIVE_QUEUE) - (TcpState.hasReceivedFin(state) ? 1 : 0);
      Optional<Urgent> urgentIn = hidden.flatMap(stream -> Urgent.received(stream, received));
      Bytes in = urgentIn.isPresent() ? Urgent.received(file, hidden.orElseThrow().readTo(), received)
          : peek(file, unread);
      int written = sequence(file, SEND_QUEUE) - (TcpState.hasSentFin(state) ? 1 : 0);
      Bytes out = peek(file, queued);
      return new Connection(peer, state, written, received, in, out.slice(0, queued - unsent),
          out.slice(queued - unsent, unsent), segment, info.u8(5), info.u8(6), timestamp, window, shutRead, urgentIn,
          hidden.flatMap(stream -> Urgent.sent(stream, queued)));
    } finally {
      for (OwnCall off : repairOff(reuse)) {
        file.ask(off.nr(), off.args().toArray(Arg[]::new));
      }
    }
  }

  /// What is unread without an urgent byte among it.
  Bytes unreadStream() {
    return urgentIn.map(mark -> unread.slice(0, mark.at()).concat(
        unread.slice(mark.at() + 1, unread.length() - mark.at() - 1))).orElse(unread);
  }

  /// What a socket whose connection is over still has to be read. Without such a thing the peek would take its error.
  static Bytes leftUnread(OpenFile file) throws ObstructedException {
    if (file.hiddenSocket().flatMap(HiddenSocket::stream).filter(stream -> stream.urgent() != 0).isPresent()) {
      throw new ObstructedException(file.subject(), "its connection is over, and it has urgent data that were not read",
          "let the program read them before the checkpoint");
    }
    return peek(file, count(file, SIOCINQ));
  }

  private static void ask(OpenFile file, OwnCall call) throws ObstructedException {
    require(file, file.ask(call.nr(), call.args().toArray(Arg[]::new)));
  }

  private static int count(OpenFile file, int request) throws ObstructedException {
    return require(file, file.ask(Nr.IOCTL, Arg.self(), Arg.imm(request), Arg.space(4))).output(2).u32(0);
  }

  private static Bytes option(OpenFile file, int name, int lengthBytes) throws ObstructedException {
    Optional<Bytes> value = SocketOption.read(file, IPPROTO_TCP, name, lengthBytes);
    return value.filter(bytes -> bytes.length() == lengthBytes).orElseThrow(() -> new ObstructedException(
        file.subject(), "its TCP option " + name + " cannot be read", "a kernel with TCP_REPAIR is needed"));
  }

  private static int sequence(OpenFile file, int queue) throws ObstructedException {
    ask(file, set(IPPROTO_TCP, TCP_REPAIR_QUEUE, queue));
    return option(file, TCP_QUEUE_SEQ, 4).u32(0);
  }

  /// One byte more is asked for, so that there are no more than that.
  private static Bytes peek(OpenFile file, int lengthBytes) throws ObstructedException {
    if (lengthBytes == 0) {
      return Bytes.EMPTY;
    }
    Answer answer = require(file, file.ask(Nr.RECVFROM, Arg.self(), Arg.space(lengthBytes + 1),
        Arg.imm(lengthBytes + 1L), Arg.imm(MSG_PEEK_DONTWAIT), Arg.imm(0), Arg.imm(0)));
    if (answer.result() != lengthBytes) {
      throw new ObstructedException(file.subject(), "of a queue of " + lengthBytes + " bytes " + answer.result()
          + " can be read", "");
    }
    return answer.output(1).slice(0, lengthBytes);
  }

  private static Answer require(OpenFile file, Answer answer) throws ObstructedException {
    if (answer.failed()) {
      throw new ObstructedException(file.subject(), "its connection cannot be read: " + Errno.of(answer.result()),
          "run with CAP_NET_ADMIN");
    }
    return answer;
  }
}
