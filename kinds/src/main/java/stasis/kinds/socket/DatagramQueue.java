package stasis.kinds.socket;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.Tag;
import stasis.kinds.file.SocketFacts;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.HiddenQueues;
import stasis.resource.Lasting;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.OwnCall;
import stasis.resource.Script;

/// What a datagram socket has received and not been asked for.
public final class DatagramQueue {
  /// @param from sockaddr of the sender
  public record Datagram(@Tag(1) Bytes from, @Tag(2) Bytes payload) {}

  private static final int SO_PEEK_OFF = 42;
  private static final int MSG_PEEK_TRUNC_DONTWAIT = 0x2 | 0x20 | 0x40;
  private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
  private static final int IPPROTO_RAW = 255;
  private static final int LONGEST = 65_536;
  private static final int MOST = 1 << 20;
  private static final int ADDRESS_BYTES = 28;

  private DatagramQueue() {}

  /// A peek offset that moves on leads from one datagram to the next (socket(7), SO_PEEK_OFF). It is the description's
  /// and set back.
  public static List<Datagram> peek(OpenFile file) throws ObstructedException {
    int offset = SocketOption.readInt(file, OptionTable.SOL_SOCKET, SO_PEEK_OFF).orElse(-1);
    if (offset < 0 && isEmpty(file)) {
      return List.of();
    }
    Arg level = Arg.imm(OptionTable.SOL_SOCKET);
    Arg name = Arg.imm(SO_PEEK_OFF);
    OwnCall undo = OwnCall.of(Nr.SETSOCKOPT, Arg.self(), level, name, Arg.data(Bytes.ofU32(offset)), Arg.imm(4));
    try (Lasting _ = file.changing(List.of(undo))) {
      require(file, file.ask(Nr.SETSOCKOPT, Arg.self(), level, name, Arg.data(Bytes.ofU32(0)), Arg.imm(4)));
      var queue = new ArrayList<Datagram>();
      while (queue.size() < MOST) {
        Answer next = file.ask(Nr.RECVFROM, Arg.self(), Arg.space(LONGEST), Arg.imm(LONGEST),
            Arg.imm(MSG_PEEK_TRUNC_DONTWAIT), Arg.space(ADDRESS_BYTES), Arg.data(Bytes.ofU32(ADDRESS_BYTES)));
        if (next.failedWith(Errno.EAGAIN)) {
          return withHidden(file, queue);
        }
        require(file, next);
        queue.add(new Datagram(next.output(4).slice(0, next.output(5).u32(0)),
            next.output(1).slice(0, (int) next.result())));
      }
      throw new ObstructedException(file.subject(), "it has more than " + MOST + " unread datagrams",
          "let the program read them before the checkpoint");
    }
  }

  /// An empty datagram that was peeked at once a second peek passes over (net/core/datagram.c,
  /// __skb_try_recv_from_queue()).
  private static List<Datagram> withHidden(OpenFile file, List<Datagram> seen) throws ObstructedException {
    Optional<HiddenQueues> queues = file.hiddenQueues();
    if (queues.isEmpty()) {
      return List.copyOf(seen);
    }
    List<HiddenQueues.Arrived> all = queues.get().datagrams();
    List<Datagram> full = seen.stream().filter(datagram -> !datagram.payload().isEmpty()).toList();
    if (all.stream().filter(one -> one.lengthBytes() != 0).count() != full.size()) {
      throw new ObstructedException(file.subject(), "of its unread datagrams not all can be read",
          "let the program read them before the checkpoint");
    }
    var queue = new ArrayList<Datagram>();
    int next = 0;
    for (HiddenQueues.Arrived one : all) {
      queue.add(one.lengthBytes() != 0 ? full.get(next++) : new Datagram(
          SocketAddress.of(one.host(), one.port()).in(SocketFacts.domain(file)).bytes(), Bytes.EMPTY));
    }
    return List.copyOf(queue);
  }

  private static boolean isEmpty(OpenFile file) {
    return file.ask(Nr.RECVFROM, Arg.self(), Arg.space(1), Arg.imm(0), Arg.imm(MSG_PEEK_TRUNC_DONTWAIT), Arg.imm(0),
        Arg.imm(0)).failedWith(Errno.EAGAIN);
  }

  private static void require(OpenFile file, Answer answer) throws ObstructedException {
    if (answer.failed()) {
      throw new ObstructedException(file.subject(), "its unread datagrams cannot be read: "
          + Errno.of(answer.result()), "let the program read them before the checkpoint");
    }
  }

  /// Appends the sending of each to a socket that is bound to `to`, over loopback.
  public static void send(int protocol, List<Datagram> queue, SocketAddress to, Script script) {
    for (int family : new int[] {SocketAddress.AF_INET, SocketAddress.AF_INET6}) {
      int hostBytes = family == SocketAddress.AF_INET ? 4 : 16;
      List<Datagram> mine = queue.stream()
          .filter(datagram -> new SocketAddress(datagram.from()).host().length() == hostBytes).toList();
      if (!mine.isEmpty()) {
        send(family, protocol, mine, host(to, hostBytes), to.port(), script);
      }
    }
  }

  private static Bytes host(SocketAddress to, int hostBytes) {
    if (!to.isAnyHost()) {
      return to.host();
    }
    return hostBytes == 4 ? Bytes.hex("7f000001") : Bytes.zeros(15).concat(Bytes.hex("01"));
  }

  private static void send(int family, int protocol, List<Datagram> queue, Bytes host, int port, Script script) {
    Bytes address = family == SocketAddress.AF_INET ? Bytes.ofU32(family).concat(host).concat(Bytes.zeros(8))
        : Bytes.ofU32(family, 0).concat(host).concat(Bytes.zeros(4));
    Arg raw = Arg.result(script.call(Nr.SOCKET, "sender of unread datagrams", Arg.imm(family),
        Arg.imm(SOCK_RAW_CLOEXEC), Arg.imm(IPPROTO_RAW)));
    SocketOptions.widen(1 << 20, raw, script);
    for (Datagram datagram : queue) {
      SocketAddress from = new SocketAddress(datagram.from());
      Bytes packet = RawDatagram.of(protocol, from, host, port, datagram.payload());
      script.callExpecting(packet.length(), Nr.SENDTO, "unread datagram from " + from, raw, Arg.data(packet),
          Arg.imm(packet.length()), Arg.imm(0), Arg.data(address), Arg.imm(address.length()));
    }
    script.call(Nr.CLOSE, "sender", raw);
  }

  /// Whether data wait in the socket to be sent on with more (UDP_CORK, MSG_MORE).
  public static boolean isCorked(OpenFile file) {
    Answer unsent = file.ask(Nr.IOCTL, Arg.self(), Arg.imm(0x5411), Arg.space(4));
    return !unsent.failed() && unsent.output(2).u32(0) > 0;
  }
}
