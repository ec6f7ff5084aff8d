package stasis.kinds.file.packet;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.file.Readiness;
import stasis.kinds.file.SocketFacts;
import stasis.kinds.socket.OptionSet;
import stasis.kinds.socket.SocketOption;
import stasis.kinds.socket.SocketOptions;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.FileKind;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A packet socket (packet(7)) without rings: what it listens to, filters and options. What it has not read is lost, and
/// told.
public final class PacketSocket implements FileKind<PacketSocket.State> {
  /// @param type SOCK_RAW or SOCK_DGRAM @param flags O_NONBLOCK @param protocol of its packets, as on the wire, 0 for
  ///     none @param interfaceIndex 0 for all @param options that a new socket has otherwise @param own those of
  ///     SOL_PACKET @param memberships struct packet_mreq, one for each time it was joined @param fanout as
  ///     PACKET_FANOUT takes it @param told what does not come back as it was @param device of a SOCK_PACKET, its
  ///     interface by name, which is its address; else empty
  record State(@Tag(1) int type, @Tag(2) int flags, @Tag(3) int protocol, @Tag(4) int interfaceIndex,
      @Tag(5) List<SocketOption> options, @Tag(6) List<Own> own, @Tag(7) List<Bytes> memberships,
      @Tag(8) Optional<Integer> fanout, @Tag(9) List<String> told, @Tag(10) Bytes device) {
    State {
      options = SocketOptions.checked(options);
      own = List.copyOf(own);
      memberships = List.copyOf(memberships);
      told = List.copyOf(told);
      if (device.length() != (type == SOCK_PACKET ? DEVICE_BYTES : 0)) {
        throw new IllegalArgumentException("packet socket of type " + type + " on " + device);
      }
      if (own.stream().anyMatch(option -> !OWN.contains(option.name()))
          || memberships.stream().anyMatch(request -> request.length() != PacketDiag.REQUEST_BYTES)) {
        throw new IllegalArgumentException("packet socket with options " + own + ", memberships " + memberships);
      }
    }
  }

  /// An option of SOL_PACKET.
  record Own(@Tag(1) int name, @Tag(2) int value) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.packet", 1);
  private static final int SOCK_PACKET = 10;
  private static final int DEVICE_BYTES = 14;
  private static final int AF_PACKET = 17;
  private static final int SOL_SOCKET = 1;
  private static final OptionSet OPTIONS = OptionSet.of(Set.of(SOL_SOCKET), false);
  private static final int SOL_PACKET = 263;
  private static final int PACKET_ADD_MEMBERSHIP = 1;
  private static final int PACKET_FANOUT = 18;
  private static final int PACKET_FANOUT_CBPF = 6;
  /// COPY_THRESH cannot be asked for. PACKET_AUXDATA, ORIGDEV, VERSION, RESERVE, LOSS, VNET_HDR, TIMESTAMP, TX_HAS_OFF,
  /// QDISC_BYPASS, IGNORE_OUTGOING, VNET_HDR_SZ.
  private static final List<Integer> OWN = List.of(8, 9, 10, 12, 14, 15, 17, 19, 20, 23, 24);
  private static final int ADDRESS_BYTES = 20;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.facts().type() == FileStat.S_IFSOCK && SocketFacts.domain(file) == AF_PACKET;
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    Answer name = file.ask(Nr.GETSOCKNAME, Arg.self(), Arg.space(ADDRESS_BYTES), Arg.data(Bytes.ofU32(ADDRESS_BYTES)));
    if (name.failed()) {
      throw new ObstructedException(file.subject(), "its address cannot be had: " + Errno.of(name.result()), "");
    }
    PacketDiag.Found found = PacketDiag.of(file);
    if (found.hasRing()) {
      throw new ObstructedException(file.subject(), "it shares a ring of packets with the kernel (PACKET_RX_RING)",
          "let the program close it before the checkpoint");
    }
    Optional<Integer> fanout = found.hasFanout() ? SocketOption.readInt(file, SOL_PACKET, PACKET_FANOUT)
        : Optional.empty();
    if (fanout.filter(value -> (value >> 16 & 0xff) >= PACKET_FANOUT_CBPF).isPresent()) {
      throw new ObstructedException(file.subject(), "a program shares out its packets (PACKET_FANOUT_CBPF or _EBPF),"
          + " which cannot be read back", "use another way of PACKET_FANOUT");
    }
    Bytes address = name.output(1);
    var own = new ArrayList<Own>();
    for (int option : OWN) {
      SocketOption.readInt(file, SOL_PACKET, option).filter(value -> value != 0)
          .ifPresent(value -> own.add(new Own(option, value)));
    }
    int type = SocketFacts.option(file, SocketFacts.SO_TYPE);
    boolean old = type == SOCK_PACKET;
    return new State(type, OpenFlags.of(file), old ? Short.toUnsignedInt(Short.reverseBytes((short) found.protocol()))
        : address.u16(2), old ? 0 : address.u32(4), SocketOptions.of(file, OPTIONS), own,
        found.memberships(), fanout, (Readiness.of(file, Readiness.READABLE) & Readiness.READABLE) == 0 ? List.of()
        : List.of("its unread packets are lost"), old ? address.slice(2, DEVICE_BYTES) : Bytes.EMPTY);
  }

  @Override
  public List<Loss> losses(State state) {
    return state.told().stream().map(Loss::of).toList();
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return host.capabilities().contains("CAP_NET_RAW") ? List.of()
        : List.of(new Obstacle.HostLacks("packet socket", "CAP_NET_RAW", "restore as root"));
  }

  /// Without a protocol it takes nothing until it is bound, with its filter by then.
  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.SOCKET, "packet socket", Arg.imm(AF_PACKET),
        Arg.imm(state.type() | state.flags() & OpenFlags.O_NONBLOCK),
        Arg.imm(state.type() == SOCK_PACKET ? state.protocol() : 0));
    Arg socket = Arg.result(fd);
    SocketOptions.setBefore(state.options(), socket, script);
    SocketOptions.setAfter(state.options(), socket, script);
    for (Own option : state.own()) {
      set(option.name(), Bytes.ofU32(option.value()), "an option of packets", socket, script);
    }
    for (Bytes request : state.memberships()) {
      set(PACKET_ADD_MEMBERSHIP, request, "what more its interface takes", socket, script);
    }
    if (state.type() == SOCK_PACKET) {
      // Bound by name, with its protocol from the start (net/packet/af_packet.c, packet_bind_spkt()).
      Bytes address = Bytes.ofU32(AF_PACKET).slice(0, 2).concat(state.device());
      if (!state.device().equals(Bytes.zeros(DEVICE_BYTES))) {
        script.call(Nr.BIND, "its interface", socket, Arg.data(address), Arg.imm(address.length()));
      }
    } else if (state.protocol() != 0 || state.interfaceIndex() != 0) {
      Bytes address = Bytes.ofU32(AF_PACKET | state.protocol() << 16, state.interfaceIndex())
          .concat(Bytes.zeros(ADDRESS_BYTES - 8));
      script.call(Nr.BIND, "what it listens to", socket, Arg.data(address), Arg.imm(ADDRESS_BYTES));
    }
    state.fanout().ifPresent(value -> set(PACKET_FANOUT, Bytes.ofU32(value), "shared out", socket, script));
    OpenFlags.complete(state.flags(), fd, script);
    return fd;
  }

  private static void set(int name, Bytes value, String why, Arg socket, Script script) {
    script.call(Nr.SETSOCKOPT, why, socket, Arg.imm(SOL_PACKET), Arg.imm(name), Arg.data(value),
        Arg.imm(value.length()));
  }
}
