package stasis.linux.bpf;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.SyscallException;

/// What lies in the queues of sockets and no call shows: connections that nobody has accepted with what they have
/// received, and data that are held back for more. Of sockets whose tasks stand still.
public final class KernelQueues implements AutoCloseable {
  /// A connection that waits to be accepted.
  ///
  /// @param state TCP_ESTABLISHED and so on @param host 4 or 16 bytes @param received sequence number of the next byte
  ///     to come, a FIN counted @param unread all it was ever sent
  public record Waiting(int state, Bytes host, int port, Bytes peerHost, int peerPort, int interfaceIndex, int received,
      Bytes unread) {}

  /// A datagram that waits for more.
  ///
  /// @param peerHost whom it is for @param plain whether nothing of it was asked for by control messages
  public record Corked(Bytes peerHost, int peerPort, Bytes payload, boolean plain) {}

  /// A datagram that was not read.
  ///
  /// @param host of its sender, 4 or 16 bytes
  public record Arrived(Bytes host, int port, int lengthBytes) {}

  private static final int AF_INET6 = 10;
  private static final int V4_HEADER = 20;
  private static final int V6_HEADER = 40;
  private static final int UDP_HEADER = 8;
  private static final int KNOWN_BYTES = 64;
  private static final int WAITING_MAX = 1 << 16;
  private static final int FIN_RECEIVED = 1 << 8 | 1 << 9 | 1 << 11;

  private final KernelMemory kernel;
  private final SkbReader packets;
  private final PageMap map;
  private final Places socket;
  private final Places listener;
  private final Places request;
  private final Places tcp;
  private final Places udp;
  private final Optional<MultipathQueue> multipath;

  private KernelQueues(KernelMemory kernel, SkbReader packets, PageMap map, Btf btf) throws UnsupportedKernel {
    this.kernel = kernel;
    this.packets = packets;
    this.map = map;
    multipath = MultipathQueue.of(kernel, map, btf);
    socket = socket(btf);
    listener = Places.of(btf, "inet_connection_sock", "icsk_accept_queue.rskq_accept_head");
    request = Places.of(btf, "request_sock", "dl_next", "sk");
    tcp = Places.of(btf, "tcp_sock", "copied_seq", "rcv_nxt", "urg_data");
    udp = Places.of(btf, "udp_sock", "pending", "len", "reader_queue", "inet.cork.base.opt", "inet.cork.base.ttl",
        "inet.cork.base.tos", "inet.cork.base.gso_size", "inet.cork.fl.u.ip4.daddr",
        "inet.cork.fl.u.ip4.uli.ports.dport", "inet.cork.fl.u.ip6.daddr", "inet.cork.fl.u.ip6.uli.ports.dport");
  }

  private static Places socket(Btf btf) throws UnsupportedKernel {
    return Places.of(btf, "sock", "__sk_common.skc_family", "__sk_common.skc_state", "__sk_common.skc_daddr",
        "__sk_common.skc_rcv_saddr", "__sk_common.skc_dport", "__sk_common.skc_num", "__sk_common.skc_v6_daddr",
        "__sk_common.skc_v6_rcv_saddr", "__sk_common.skc_bound_dev_if", "sk_receive_queue", "sk_write_queue");
  }

  /// @param own address of a socket of the caller's, in whose queue there is nothing but `known`
  static KernelQueues open(Btf btf, long own, byte[] known) throws SyscallException, UnsupportedKernel {
    KernelMemory kernel = KernelMemory.open();
    try {
      var packets = new SkbReader(kernel, btf);
      return new KernelQueues(kernel, packets, learn(kernel, packets, btf, own, known), btf);
    } catch (SyscallException | UnsupportedKernel e) {
      kernel.close();
      throw e;
    }
  }

  private static PageMap learn(KernelMemory kernel, SkbReader packets, Btf btf, long own, byte[] known)
      throws SyscallException, UnsupportedKernel {
    int structBytes = btf.sizeOf("page").orElseThrow(() -> new UnsupportedKernel("this kernel has no struct page"));
    int at = 0;
    for (SkbReader.Packet packet : packets.read(own + socket(btf).at("sk_receive_queue"), Optional.empty())) {
      at += packet.content().length();
      if (!packet.pages().isEmpty()) {
        SkbReader.Piece piece = packet.pages().getFirst();
        byte[] begin = Arrays.copyOfRange(known, at, at + Math.min(KNOWN_BYTES, piece.lengthBytes()));
        Optional<PageMap> found = PageMap.find(kernel, structBytes, piece.page(), piece.offset(), begin,
            packet.head());
        if (found.isPresent()) {
          return found.get();
        }
      }
      at += packet.pages().stream().mapToInt(SkbReader.Piece::lengthBytes).sum();
    }
    throw new UnsupportedKernel("where this kernel has its pages was not found");
  }

  /// The connections a listener has not handed out, the next to be accepted first.
  ///
  /// @param sk address of its struct sock
  public List<Waiting> unaccepted(long sk) throws SyscallException {
    var waiting = new ArrayList<Waiting>();
    long next = require(sk + listener.at("icsk_accept_queue.rskq_accept_head"), Long.BYTES).getLong(0);
    while (next != 0) {
      if (waiting.size() == WAITING_MAX) {
        throw Places.lost("the queue of a listener does not end");
      }
      ByteBuffer entry = require(next, request.end());
      waiting.add(waiting(entry.getLong(request.at("sk"))));
      next = entry.getLong(request.at("dl_next"));
    }
    return waiting;
  }

  private Waiting waiting(long sk) throws SyscallException {
    ByteBuffer common = require(sk, socket.end());
    int state = common.get(socket.at("__sk_common.skc_state")) & 0xff;
    ByteBuffer numbers = require(sk, tcp.end());
    if (numbers.getShort(tcp.at("urg_data")) != 0) {
      throw Places.lost("urgent data wait in a connection that nobody has accepted");
    }
    int received = numbers.getInt(tcp.at("rcv_nxt"));
    int end = (1 << state & FIN_RECEIVED) != 0 ? received - 1 : received;
    Bytes unread = stream(sk, numbers.getInt(tcp.at("copied_seq")), end);
    boolean v6 = common.getShort(socket.at("__sk_common.skc_family")) == AF_INET6;
    return new Waiting(state,
        bytes(common, socket.at(v6 ? "__sk_common.skc_v6_rcv_saddr" : "__sk_common.skc_rcv_saddr"), v6 ? 16 : 4),
        common.getShort(socket.at("__sk_common.skc_num")) & 0xffff,
        bytes(common, socket.at(v6 ? "__sk_common.skc_v6_daddr" : "__sk_common.skc_daddr"), v6 ? 16 : 4),
        port(common, socket.at("__sk_common.skc_dport")), common.getInt(socket.at("__sk_common.skc_bound_dev_if")),
        received, unread);
  }

  /// What a TCP socket has received and not been asked for, out-of-band bytes too.
  ///
  /// @param first sequence number of it @param end of what comes behind it
  public Bytes stream(long sk, int first, int end) throws SyscallException {
    return first == end ? Bytes.EMPTY
        : SkbReader.stream(packets.read(sk + socket.at("sk_receive_queue"), Optional.of(map)), first, end);
  }

  /// What a socket of Multipath TCP was given to send, from `first` on, as far as its peer has not acknowledged it.
  public Bytes multipath(long sk, long first, int lengthBytes) throws SyscallException {
    return multipath.orElseThrow(() -> Places.lost("how this kernel keeps Multipath TCP is not known"))
        .read(sk, first, lengthBytes);
  }

  /// What a UDP socket has received and not been asked for, the oldest first; those too that a peek passes over.
  public List<Arrived> datagrams(long sk) throws SyscallException {
    var all = new ArrayList<Arrived>();
    // A reader takes the whole of one queue into the other (net/ipv4/udp.c, __skb_recv_udp()).
    for (int queue : new int[] {udp.at("reader_queue"), socket.at("sk_receive_queue")}) {
      for (SkbReader.Packet packet : packets.read(sk + queue, Optional.of(map))) {
        long network = packet.head() + packet.networkAt();
        boolean v6 = require(network, 1).get(0) >> 4 == 6;
        all.add(new Arrived(Bytes.of(require(network + (v6 ? 8 : 12), v6 ? 16 : 4)),
            port(require(packet.head() + packet.transportAt(), 2), 0), packet.content().length()));
      }
    }
    return all;
  }

  /// What a UDP socket holds back (UDP_CORK, MSG_MORE).
  public Optional<Corked> corked(long sk) throws SyscallException {
    ByteBuffer all = require(sk, Math.max(udp.end(), socket.end()));
    int pending = all.getInt(udp.at("pending"));
    if (pending == 0) {
      return Optional.empty();
    }
    boolean v6 = pending == AF_INET6;
    var payload = Bytes.EMPTY;
    int header = (v6 ? V6_HEADER : V4_HEADER) + UDP_HEADER;
    for (SkbReader.Packet packet : packets.read(sk + socket.at("sk_write_queue"), Optional.of(map))) {
      if (packet.content().length() < header) {
        throw Places.lost("a part of a datagram is shorter than its header");
      }
      payload = payload.concat(packet.content().slice(header, packet.content().length() - header));
      // The parts behind the first have a header of IP alone.
      header = v6 ? V6_HEADER : V4_HEADER;
    }
    int expected = (all.getShort(udp.at("len")) & 0xffff) - UDP_HEADER;
    if (payload.length() != expected) {
      throw Places.lost("of a datagram of " + expected + " bytes " + payload.length() + " were found");
    }
    boolean plain = all.getLong(udp.at("inet.cork.base.opt")) == 0
        && all.getShort(udp.at("inet.cork.base.gso_size")) == 0;
    return Optional.of(new Corked(
        bytes(all, udp.at(v6 ? "inet.cork.fl.u.ip6.daddr" : "inet.cork.fl.u.ip4.daddr"), v6 ? 16 : 4),
        port(all, udp.at(v6 ? "inet.cork.fl.u.ip6.uli.ports.dport" : "inet.cork.fl.u.ip4.uli.ports.dport")), payload,
        plain));
  }

  private static Bytes bytes(ByteBuffer from, int at, int lengthBytes) {
    return Bytes.of(from.slice(at, lengthBytes));
  }

  private static int port(ByteBuffer from, int at) {
    return Short.toUnsignedInt(Short.reverseBytes(from.getShort(at)));
  }

  private ByteBuffer require(long address, int lengthBytes) throws SyscallException {
    return kernel.read(address, lengthBytes).orElseThrow(() -> Places.lost("nothing is mapped at a socket's place"));
  }

  @Override
  public void close() {
    kernel.close();
  }
}
