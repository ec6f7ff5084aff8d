package stasis.kinds.file.netlink;

import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.kinds.file.Readiness;
import stasis.kinds.file.SocketFacts;
import stasis.kinds.socket.NetText;
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
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A netlink socket (netlink(7)) with nothing unread: its port, its peer, every group it listens to, its options.
public final class NetlinkSocket implements FileKind<NetlinkSocket.State> {
  /// @param type SOCK_RAW or SOCK_DGRAM @param protocol NETLINK_ROUTE and so on @param flags O_NONBLOCK
  /// @param port nl_pid, 0 when not bound @param peer struct sockaddr_nl of connect(2), or empty @param groups their
  ///     numbers, from 1 @param options that a new socket has otherwise @param own those of SOL_NETLINK that are on
  /// @param told what does not come back as it was
  record State(@Tag(1) int type, @Tag(2) int protocol, @Tag(3) int flags, @Tag(4) int port, @Tag(5) Bytes peer,
      @Tag(6) List<Integer> groups, @Tag(7) List<SocketOption> options, @Tag(8) List<Integer> own,
      @Tag(9) List<String> told) {
    State {
      groups = List.copyOf(groups);
      options = SocketOptions.checked(options);
      own = List.copyOf(own);
      told = List.copyOf(told);
      if (groups.size() > MOST_GROUPS || !CARRIED.contains(protocol) || !OWN.containsAll(own)
          || !peer.isEmpty() && peer.length() != ADDRESS_BYTES) {
        throw new IllegalArgumentException("netlink protocol " + protocol + " with " + groups.size() + " groups");
      }
    }
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "file.netlink", 1);
  private static final int AF_NETLINK = 16;
  private static final int SOL_SOCKET = 1;
  private static final OptionSet OPTIONS = OptionSet.of(Set.of(SOL_SOCKET), false);
  private static final int SO_PROTOCOL = 38;
  private static final int SOL_NETLINK = 270;
  private static final int NETLINK_ADD_MEMBERSHIP = 1;
  private static final int NETLINK_LIST_MEMBERSHIPS = 9;
  private static final int ADDRESS_BYTES = 12;
  private static final int MOST_GROUPS = 1 << 16;
  private static final int CONNECTOR = 11;
  private static final int NETFILTER = 12;
  private static final int GENERIC = 16;
  /// NETLINK_ROUTE, SOCK_DIAG, XFRM, CONNECTOR, NETFILTER, KOBJECT_UEVENT, GENERIC.
  private static final Set<Integer> CARRIED = Set.of(0, 4, 6, CONNECTOR, NETFILTER, 15, GENERIC);
  /// NETLINK_PKTINFO, BROADCAST_ERROR, NO_ENOBUFS, LISTEN_ALL_NSID, CAP_ACK, EXT_ACK, GET_STRICT_CHK.
  private static final List<Integer> OWN = List.of(3, 4, 5, 8, 10, 11, 12);
  private static final String CLOSE = "let the program close it before the checkpoint";

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public boolean recognises(OpenFile file) {
    return file.facts().type() == FileStat.S_IFSOCK && SocketFacts.domain(file) == AF_NETLINK;
  }

  @Override
  public State checkpoint(OpenFile file) throws ObstructedException {
    int protocol = SocketFacts.option(file, SO_PROTOCOL);
    if (!CARRIED.contains(protocol)) {
      throw new ObstructedException(file.subject(), "a netlink socket of protocol " + protocol + " has state in the"
          + " kernel that cannot be carried", CLOSE);
    }
    if ((Readiness.of(file, Readiness.READABLE) & (Readiness.READABLE | Readiness.ERROR)) != 0) {
      throw new ObstructedException(file.subject(), "messages wait in it that only the kernel can send",
          "let the program read them before the checkpoint");
    }
    int port = name(file, Nr.GETSOCKNAME).u32(4);
    if (protocol == NETFILTER) {
      refuseQueues(file, port);
    }
    Bytes peer = name(file, Nr.GETPEERNAME);
    return new State(SocketFacts.option(file, SocketFacts.SO_TYPE), protocol, OpenFlags.of(file), port,
        peer.u32(4) == 0 && peer.u32(8) == 0 ? Bytes.EMPTY : peer, groups(file),
        SocketOptions.of(file, OPTIONS), OWN.stream()
        .filter(name -> SocketOption.readInt(file, SOL_NETLINK, name).orElse(0) != 0).toList(), told(protocol));
  }

  /// A queue or log of nfnetlink is bound to a port, and gone with it.
  private static void refuseQueues(OpenFile file, int port) throws ObstructedException {
    for (String name : List.of("nfnetlink_queue", "nfnetlink_log")) {
      for (String line : NetText.read(file, "/proc/net/netfilter/" + name).lines().toList()) {
        String[] words = line.strip().split("\\s+", -1);
        if (words.length > 1 && words[1].equals(Integer.toUnsignedString(port))) {
          throw new ObstructedException(file.subject(), "it is bound to " + name + " " + words[0], CLOSE);
        }
      }
    }
  }

  private static List<String> told(int protocol) {
    return switch (protocol) {
      case GENERIC -> List.of("what a family of generic netlink keeps for this socket is not there again");
      case CONNECTOR -> List.of("what a user of the connector keeps for this socket is not there again");
      default -> List.of();
    };
  }

  private static Bytes name(OpenFile file, Nr call) throws ObstructedException {
    Answer answer = file.ask(call, Arg.self(), Arg.space(ADDRESS_BYTES), Arg.data(Bytes.ofU32(ADDRESS_BYTES)));
    if (answer.failed()) {
      throw new ObstructedException(file.subject(), "its address cannot be had: " + Errno.of(answer.result()), "");
    }
    return answer.output(1);
  }

  /// One bit a group, in words of 32; the length it takes is told.
  private static List<Integer> groups(OpenFile file) throws ObstructedException {
    Answer length = file.ask(Nr.GETSOCKOPT, Arg.self(), Arg.imm(SOL_NETLINK), Arg.imm(NETLINK_LIST_MEMBERSHIPS),
        Arg.imm(0), Arg.data(Bytes.ofU32(0)));
    int bytes = length.failed() ? 0 : length.output(4).u32(0);
    if (length.failed() || bytes > MOST_GROUPS / 8) {
      throw new ObstructedException(file.subject(), "its groups cannot be had: " + Errno.of(length.result()), "");
    }
    Bytes mask = bytes == 0 ? Bytes.EMPTY : SocketOption.read(file, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, bytes)
        .orElse(Bytes.EMPTY);
    var groups = new ArrayList<Integer>();
    for (int bit = 0; bit < 8 * mask.length(); bit++) {
      if ((mask.u8(bit / 8) >> bit % 8 & 1) != 0) {
        groups.add(bit + 1);
      }
    }
    return groups;
  }

  @Override
  public List<Loss> losses(State state) {
    return state.told().stream().map(Loss::of).toList();
  }

  @Override
  public Ref<Fd> restore(State state, Script script, Refs refs) {
    Ref<Fd> fd = script.call(Nr.SOCKET, "netlink socket", Arg.imm(AF_NETLINK),
        Arg.imm(state.type() | state.flags() & OpenFlags.O_NONBLOCK), Arg.imm(state.protocol()));
    Arg socket = Arg.result(fd);
    SocketOptions.setBefore(state.options(), socket, script);
    SocketOptions.setAfter(state.options(), socket, script);
    for (int option : state.own()) {
      set(option, 1, "an option of netlink", socket, script);
    }
    if (state.port() != 0) {
      Bytes address = Bytes.ofU32(AF_NETLINK, state.port(), 0);
      script.call(Nr.BIND, "its port", socket, Arg.data(address), Arg.imm(ADDRESS_BYTES));
    }
    for (int group : state.groups()) {
      set(NETLINK_ADD_MEMBERSHIP, group, "group " + group, socket, script);
    }
    if (!state.peer().isEmpty()) {
      script.call(Nr.CONNECT, "its peer", socket, Arg.data(state.peer()), Arg.imm(ADDRESS_BYTES));
    }
    OpenFlags.complete(state.flags(), fd, script);
    return fd;
  }

  private static void set(int name, int value, String why, Arg socket, Script script) {
    script.call(Nr.SETSOCKOPT, why, socket, Arg.imm(SOL_NETLINK), Arg.imm(name), Arg.data(Bytes.ofU32(value)),
        Arg.imm(4));
  }
}
