package stasis.kinds.file.tcp;

import static stasis.kinds.file.tcp.Connection.IPPROTO_TCP;
import static stasis.kinds.file.tcp.Connection.SOL_SOCKET;
import static stasis.kinds.file.tcp.Connection.SO_REUSEADDR;

import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import stasis.kinds.socket.Forgery;
import stasis.kinds.socket.SocketAddress;
import stasis.kinds.socket.SocketOption;
import stasis.kinds.socket.SocketOptions;
import stasis.kinds.socket.TcpState;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.Ref;
import stasis.resource.Script;

/// The steps by which an end of a connection comes to life: in repair mode without a packet, then with the last of it
/// as any socket does.
///
/// @param socket an fd in the script's task
record Revival(Arg socket, Script script) {
  private static final int V4_BYTES = 16;
  private static final int V6_BYTES = 28;
  private static final int CLOEXEC = 0x80000;
  private static final int STREAM_CLOEXEC = 1 | CLOEXEC;
  private static final int SO_ERROR = 4;
  private static final int SO_LINGER = 13;
  private static final int TCP_REPAIR_OPTIONS = 22;
  private static final int TCPOPT_MSS = 2;
  private static final int TCPOPT_WINDOW = 3;
  private static final int TCPOPT_SACK_PERM = 4;
  private static final int TCPOPT_TIMESTAMP = 8;
  private static final int SO_OOBINLINE = 10;
  private static final int MSG_OOB = 0x1;
  private static final int MSG_PEEK = 0x2;
  private static final int MSG_DONTWAIT = 0x40;
  private static final int MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
  /// One send in repair mode becomes one skb (net/ipv4/tcp_input.c, tcp_send_rcvq()).
  private static final int CHUNK_BYTES = 32_768;
  private static final int SLACK_BYTES = 1 << 20;

  void set(int level, int name, int value, String why) {
    script.call(Nr.SETSOCKOPT, why, socket, Arg.imm(level), Arg.imm(name), Arg.data(Bytes.ofU32(value)), Arg.imm(4));
  }

  void bind(SocketAddress local) {
    script.call(Nr.BIND, "its address", socket, Arg.data(local.bytes()), Arg.imm(local.bytes().length()));
  }

  void repairOn() {
    set(IPPROTO_TCP, Connection.TCP_REPAIR, Connection.REPAIR_ON, "repair mode: no packet is sent");
  }

  /// @param how 0, or REPAIR_OFF_QUIET
  void repairOff(int how, List<SocketOption> options) {
    set(IPPROTO_TCP, Connection.TCP_REPAIR, how, "the end of repair mode");
    reuse(options);
  }

  /// What repair mode, or we, set to another value meanwhile.
  void reuse(List<SocketOption> options) {
    int value = SocketOptions.value(options, SOL_SOCKET, SO_REUSEADDR).map(bytes -> bytes.u32(0)).orElse(0);
    set(SOL_SOCKET, SO_REUSEADDR, value, "SO_REUSEADDR as it was");
  }

  /// Takes its address whoever else uses the port: connections share it with their listener. Multipath TCP has no repair
  /// mode, and takes it beside what is left of old connections.
  void bindShared(SocketAddress local, List<SocketOption> options, boolean multipath) {
    if (multipath) {
      set(SOL_SOCKET, SO_REUSEADDR, 1, "beside what is left of its connection");
      bind(local);
      reuse(options);
      return;
    }
    repairOn();
    bind(local);
    repairOff(Connection.REPAIR_OFF_QUIET, options);
  }

  /// Everything up to the end of repair mode.
  void connect(SocketAddress local, SocketAddress peer, Connection end) {
    long queued = (long) end.unread().length() + end.unackedBytes();
    repairOn();
    sequence(Connection.SEND_QUEUE, end.sendSeq() - end.unackedBytes(), "next to be sent");
    sequence(Connection.RECEIVE_QUEUE, end.receiveSeq() - end.unread().length(), "next to be received");
    SocketOptions.widen(3 * queued + SLACK_BYTES, socket, script);
    bind(local);
    script.call(Nr.CONNECT, "its peer " + peer, socket, Arg.data(peer.bytes()), Arg.imm(peer.bytes().length()));
    Bytes options = options(end);
    script.call(Nr.SETSOCKOPT, "what both ends agreed on", socket, Arg.imm(IPPROTO_TCP), Arg.imm(TCP_REPAIR_OPTIONS),
        Arg.data(options), Arg.imm(options.length()));
    if (end.has(Connection.INFO_TIMESTAMPS)) {
      set(IPPROTO_TCP, Connection.TCP_TIMESTAMP, end.timestamp(), "its clock");
    }
    queue(Connection.RECEIVE_QUEUE, end.unread().slice(0, early(end)), "unread bytes", Optional.empty());
    queue(Connection.SEND_QUEUE, end.unacked(), "unacknowledged bytes", end.urgentOut());
    script.call(Nr.SETSOCKOPT, "windows", socket, Arg.imm(IPPROTO_TCP), Arg.imm(Connection.TCP_REPAIR_WINDOW),
        Arg.data(window(end)), Arg.imm(Connection.WINDOW_BYTES));
  }

  private void sequence(int queue, int value, String why) {
    set(IPPROTO_TCP, Connection.TCP_REPAIR_QUEUE, queue, "of this queue");
    set(IPPROTO_TCP, Connection.TCP_QUEUE_SEQ, value, why);
  }

  /// struct tcp_repair_opt: code and value.
  private static Bytes options(Connection end) {
    Bytes options = Bytes.ofU32(TCPOPT_MSS, end.segmentBytes());
    if (end.has(Connection.INFO_WSCALE)) {
      options = options.concat(Bytes.ofU32(TCPOPT_WINDOW, end.scales() & 0xf | (end.scales() >> 4 & 0xf) << 16));
    }
    if (end.has(Connection.INFO_SACK)) {
      options = options.concat(Bytes.ofU32(TCPOPT_SACK_PERM, 0));
    }
    return end.has(Connection.INFO_TIMESTAMPS) ? options.concat(Bytes.ofU32(TCPOPT_TIMESTAMP, 0)) : options;
  }

  /// How much of what is unread comes in repair mode: an urgent byte and all behind it do not.
  private static int early(Connection end) {
    return end.urgentIn().map(Urgent::at).orElse(end.unread().length());
  }

  /// The window begins where the FIN will be, and the urgent byte: those come once more (rcv_wup at 16, rcv_wnd at 12).
  private static Bytes window(Connection end) {
    int again = end.unread().length() - early(end) + (TcpState.hasReceivedFin(end.state()) ? 1 : 0);
    Bytes window = end.window();
    return window.withU32(16, window.u32(16) - again).withU32(12, window.u32(12) + again);
  }

  private void queue(int queue, Bytes content, String why, Optional<Urgent> urgent) {
    if (!content.isEmpty()) {
      set(IPPROTO_TCP, Connection.TCP_REPAIR_QUEUE, queue, "of this queue");
      send(content, why, 0, urgent);
    }
  }

  /// @param urgent one of them, or further on
  private void send(Bytes content, String why, int flags, Optional<Urgent> urgent) {
    int at = urgent.map(Urgent::at).filter(place -> place >= 0 && place < content.length()).orElse(content.length());
    send(content.slice(0, at), why, flags);
    if (at < content.length()) {
      send(content.slice(at, 1), why, flags | MSG_OOB);
      send(content.slice(at + 1, content.length() - at - 1), why, flags);
    }
  }

  private void send(Bytes content, String why, int flags) {
    for (int at = 0; at < content.length(); at += CHUNK_BYTES) {
      Bytes chunk = content.slice(at, Math.min(CHUNK_BYTES, content.length() - at));
      script.callExpecting(chunk.length(), Nr.SENDTO, why, socket, Arg.data(chunk), Arg.imm(chunk.length()),
          Arg.imm(flags), Arg.imm(0), Arg.imm(0));
    }
  }

  /// From here on packets are sent. Both ends are there.
  ///
  /// @param outside whether the peer will not say its FIN once more
  void open(SocketAddress local, SocketAddress peer, Connection end, List<SocketOption> options, boolean outside) {
    repairOff(0, options);
    var forgery = new Forgery(peer, local, end.sendSeq() - end.unackedBytes(),
        end.window().u32(4) >>> (end.scales() & 0xf));
    end.urgentIn().ifPresent(mark -> urgent(forgery, mark, end, options));
    // Of two FINs that crossed (TCP_CLOSING) ours is the first.
    boolean crossed = end.state() == TcpState.CLOSING;
    boolean forged = outside && TcpState.hasReceivedFin(end.state());
    if (forged && !crossed) {
      forgery.fin(end.receiveSeq(), script);
    }
    if (!end.unsent().isEmpty()) {
      SocketOptions.widen(3L * end.unackedBytes() + SLACK_BYTES, socket, script);
      send(end.unsent(), "unsent bytes", MSG_DONTWAIT_NOSIGNAL,
          end.urgentOut().map(mark -> new Urgent(mark.at() - end.unacked().length(), false)));
      SocketOptions.setAfter(options, socket, script);
    }
    shut((end.shutRead() ? 1 : 0) | (TcpState.hasSentFin(end.state()) ? 2 : 0));
    if (forged && crossed) {
      forgery.fin(end.receiveSeq(), script);
    }
  }

  /// It comes once more, as a packet: repair mode knows nothing of urgency.
  private void urgent(Forgery forgery, Urgent mark, Connection end, List<SocketOption> options) {
    forgery.urgent(end.receiveSeq() - end.unread().length() + mark.at(),
        end.unread().slice(mark.at(), end.unread().length() - mark.at()), script);
    int inline = SocketOptions.value(options, SOL_SOCKET, SO_OOBINLINE).map(value -> value.u32(0)).orElse(0);
    if (inline != 0) {
      set(SOL_SOCKET, SO_OOBINLINE, 0, "so that it can be read by itself");
    }
    script.callExpecting(1, Nr.RECVFROM, mark.taken() ? "it was read" : "it has come", socket, Arg.space(1), Arg.imm(1),
        Arg.imm(MSG_OOB | MSG_DONTWAIT | (mark.taken() ? 0 : MSG_PEEK)), Arg.imm(0), Arg.imm(0));
    if (inline != 0) {
      set(SOL_SOCKET, SO_OOBINLINE, inline, "as it was");
    }
  }

  /// Sends what was sent before to an end that is new.
  void say(Bytes content) {
    if (!content.isEmpty()) {
      SocketOptions.widen(3L * content.length() + SLACK_BYTES, socket, script);
      send(content, "what it has sent", MSG_DONTWAIT_NOSIGNAL);
    }
  }

  /// @param shut 1 for reading, 2 for writing, 3 for both
  void shut(int shut) {
    if (shut != 0) {
      script.call(Nr.SHUTDOWN, "it was shut down", socket, Arg.imm(shut - 1));
    }
  }

  /// A client that was closed connects, says what it said, and is closed again.
  static void visit(Unaccepted.Visitor visitor, Script script) {
    var from = new SocketAddress(visitor.from());
    Arg socket = Arg.result(script.call(Nr.SOCKET, "a client that was closed", Arg.imm(from.family()),
        Arg.imm(STREAM_CLOEXEC), Arg.imm(0)));
    var revival = new Revival(socket, script);
    revival.bindShared(from, List.of(), false);
    script.call(Nr.CONNECT, "to be accepted", socket, Arg.data(visitor.to()), Arg.imm(visitor.to().length()));
    revival.say(visitor.sent());
    if (visitor.reset()) {
      revival.lingerNever();
    }
    script.call(Nr.CLOSE, "it is closed again", socket);
  }

  private void lingerNever() {
    script.call(Nr.SETSOCKOPT, "close with a reset", socket, Arg.imm(SOL_SOCKET), Arg.imm(SO_LINGER),
        Arg.data(Bytes.ofU32(1, 0)), Arg.imm(8));
  }

  /// The end that nobody has any more is made and closed again: its FIN is the one that was received.
  void bury(SocketAddress here, SocketAddress there, Connection end) {
    Connection other = new Connection(Connection.Peer.NOBODY, TcpState.ESTABLISHED, end.receiveSeq(), end.sendSeq(),
        Bytes.EMPTY, Bytes.EMPTY, Bytes.EMPTY, end.segmentBytes(), end.info(), end.scales() >> 4 & 0xf
        | (end.scales() & 0xf) << 4, end.timestamp(), mirrored(end), false, Optional.empty(),
        Optional.empty());
    Ref<?> made = script.call(Nr.SOCKET, "the end that was closed", Arg.imm(there.family()), Arg.imm(STREAM_CLOEXEC),
        Arg.imm(0));
    Revival revival = new Revival(Arg.result(made), script);
    revival.connect(there, here, other);
    revival.repairOff(0, List.of());
    script.call(Nr.CLOSE, "it is closed again", Arg.result(made));
  }

  /// snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup of the other end.
  private static Bytes mirrored(Connection end) {
    int window = Math.max(1, end.window().u32(4));
    return Bytes.ofU32(end.sendSeq(), end.window().u32(12) + 1, Math.max(end.window().u32(8), end.window().u32(12) + 1),
        window, end.sendSeq());
  }

  /// A connection over loopback that was reset from the other end: an ended one has no peer's address any more.
  ///
  /// @param untold leaves ECONNRESET to be read
  void over(int family, Bytes unread, boolean untold) {
    SocketOptions.widen(3L * unread.length() + SLACK_BYTES, socket, script);
    int length = family == SocketAddress.AF_INET ? V4_BYTES : V6_BYTES;
    Arg listener = Arg.result(script.call(Nr.SOCKET, "to connect to", Arg.imm(family), Arg.imm(STREAM_CLOEXEC),
        Arg.imm(0)));
    script.call(Nr.LISTEN, "at a port the kernel chooses", listener, Arg.imm(1));
    Ref<?> name = script.call(Nr.GETSOCKNAME, "its port", listener, Arg.space(length), Arg.data(Bytes.ofU32(length)));
    List<Arg.Patch> patches = IntStream.range(0, length / 4)
        .mapToObj(i -> new Arg.Patch(4 * i, 4, Arg.output(name, 1, 4 * i, 4))).toList();
    script.call(Nr.CONNECT, "a connection", socket, new Arg.Struct(Bytes.zeros(length), patches), Arg.imm(length));
    Arg other = Arg.result(script.call(Nr.ACCEPT4, "its other end", listener, Arg.imm(0), Arg.imm(0),
        Arg.imm(CLOEXEC)));
    script.call(Nr.CLOSE, "no more", listener);
    SocketOptions.widen(3L * unread.length() + SLACK_BYTES, other, script);
    new Revival(other, script).send(unread, "unread bytes", 0);
    new Revival(other, script).lingerNever();
    script.call(Nr.CLOSE, "the connection is over", other);
    if (!untold) {
      script.call(Nr.GETSOCKOPT, "it knows that", socket, Arg.imm(SOL_SOCKET), Arg.imm(SO_ERROR), Arg.space(4),
          Arg.data(Bytes.ofU32(4)));
    }
  }
}
