package stasis.kinds.socket;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.OwnCall;
import stasis.resource.Ref;
import stasis.resource.Script;

/// Drops the packets of single connections on their way in, while there is no socket for them: the kernel would answer
/// them with a reset. A table of nf_tables, `inet stasis`, with a set of connections; it is there as long as one is in
/// it. Whoever takes one out tries to remove all of it, which the kernel refuses while another is in; and whoever puts
/// one in makes what is missing in the same step.
public final class PacketWall {
  private static final int AF_NETLINK = 16;
  private static final int SOCK_RAW_CLOEXEC = 3 | 0x80000;
  private static final int NETLINK_NETFILTER = 12;
  private static final int SUBSYSTEM = 10;
  private static final int NEWTABLE = 0;
  private static final int DELTABLE = 2;
  private static final int NEWCHAIN = 3;
  private static final int NEWRULE = 6;
  private static final int DELRULE = 8;
  private static final int NEWSET = 9;
  private static final int GETSET = 10;
  private static final int DELSET = 11;
  private static final int NEWSETELEM = 12;
  private static final int DELSETELEM = 14;
  private static final int NLM_F_CREATE = 0x400;
  private static final int NLM_F_NONREC = 0x100;
  private static final int NFPROTO_INET = 1;
  private static final int HOOK_IN = 1;
  private static final int PRIORITY = -300;
  private static final int NETWORK = 1;
  private static final int TRANSPORT = 2;
  private static final int META_NFPROTO = 15;
  private static final int META_L4PROTO = 16;
  private static final int REG32 = 8;
  private static final String TABLE = "stasis";
  private static final String CHAIN = "closed";

  private PacketWall() {}

  /// Makes the table, if there is none: so it is known that it can be.
  ///
  /// @throws ObstructedException where the kernel has no nf_tables
  public static void build(OpenFile asker) throws ObstructedException {
    Answer socket = asker.ask(Nr.SOCKET, Arg.imm(AF_NETLINK), Arg.imm(SOCK_RAW_CLOEXEC), Arg.imm(NETLINK_NETFILTER));
    if (!socket.failed()) {
      Arg netlink = Arg.imm(socket.result());
      try {
        if (isThere(asker, netlink)) {
          return;
        }
        send(asker, netlink, batch(table(Optional.empty())));
        if (isThere(asker, netlink)) {
          return;
        }
      } finally {
        asker.ask(Nr.CLOSE, netlink);
      }
    }
    throw new ObstructedException(asker.subject(), "packets of its peer cannot be held off until it is restored",
        "run with CAP_NET_ADMIN on a kernel with nf_tables");
  }

  private static Answer send(OpenFile asker, Arg netlink, Bytes message) {
    return asker.ask(Nr.SENDTO, netlink, Arg.data(message), Arg.imm(message.length()), Arg.imm(0), Arg.imm(0),
        Arg.imm(0));
  }

  private static boolean isThere(OpenFile asker, Arg netlink) {
    Arg room = Arg.space(8192);
    // Whatever the batch said is not of interest.
    while (!asker.ask(Nr.RECVFROM, netlink, room, Arg.imm(8192), Arg.imm(0x40), Arg.imm(0), Arg.imm(0)).failed()) { }
    send(asker, netlink, message(GETSET, 0, List.of(text(1, TABLE), text(2, set(16)))));
    Answer answer = asker.ask(Nr.RECVFROM, netlink, room, Arg.imm(8192), Arg.imm(0x40), Arg.imm(0), Arg.imm(0));
    return !answer.failed() && answer.output(1).u16(4) == (SUBSYSTEM << 8 | NEWSET);
  }

  /// Calls of the engine, or its keeper, that raise the wall for packets from `peer` to `local`.
  public static List<OwnCall> raise(SocketAddress local, SocketAddress peer) {
    return calls(batch(table(Optional.of(element(NEWSETELEM, NLM_F_CREATE, local, peer)))));
  }

  /// Takes it out whether it is in or not. What fails waits for all CPUs, some 14 ms (nf_tables_abort()): put in first,
  /// it can be taken out.
  public static List<OwnCall> lower(SocketAddress local, SocketAddress peer) {
    return calls(takenOut(local, peer));
  }

  private static Bytes takenOut(SocketAddress local, SocketAddress peer) {
    return batch(List.of(element(NEWSETELEM, NLM_F_CREATE, local, peer), element(DELSETELEM, 0, local, peer)));
  }

  /// Takes the table away if nothing is in it.
  public static List<OwnCall> remove() {
    return calls(removal());
  }

  private static List<OwnCall> calls(Bytes message) {
    Arg netlink = Arg.result(new Ref<>(0));
    return List.of(
        OwnCall.of(Nr.SOCKET, Arg.imm(AF_NETLINK), Arg.imm(SOCK_RAW_CLOEXEC), Arg.imm(NETLINK_NETFILTER)),
        OwnCall.of(Nr.SENDTO, netlink, Arg.data(message), Arg.imm(message.length()), Arg.imm(0), Arg.imm(0),
            Arg.imm(0)),
        OwnCall.of(Nr.CLOSE, netlink));
  }

  /// All of the table or nothing: a set with anything in it is not removed (NLM_F_NONREC; net/netfilter/nf_tables_api.c,
  /// nf_tables_delset()), and then neither is the rest.
  private static Bytes removal() {
    return batch(List.of(message(DELRULE, 0, List.of(text(1, TABLE), text(2, CHAIN))),
        message(DELSET, NLM_F_NONREC, List.of(text(1, TABLE), text(2, set(16)))),
        message(DELSET, NLM_F_NONREC, List.of(text(1, TABLE), text(2, set(40)))),
        message(DELTABLE, 0, List.of(text(1, TABLE)))));
  }

  /// Appends the lowering: the socket is there.
  public static void lower(SocketAddress local, SocketAddress peer, Script script) {
    Bytes message = takenOut(local, peer);
    Arg netlink = Arg.result(script.call(Nr.SOCKET, "to the packet filter", Arg.imm(AF_NETLINK),
        Arg.imm(SOCK_RAW_CLOEXEC), Arg.imm(NETLINK_NETFILTER)));
    script.call(Nr.SENDTO, "packets from " + peer + " come in again", netlink, Arg.data(message),
        Arg.imm(message.length()), Arg.imm(0), Arg.imm(0), Arg.imm(0));
    script.call(Nr.CLOSE, "the packet filter", netlink);
  }

  private static Bytes element(int type, int flags, SocketAddress local, SocketAddress peer) {
    Bytes key = peer.host().concat(port(peer)).concat(local.host()).concat(port(local));
    return message(type, flags, List.of(text(1, TABLE), text(2, set(key.length())),
        nested(3, nested(1, nested(1, attribute(1, key))))));
  }

  private static Bytes port(SocketAddress address) {
    return address.bytes().slice(2, 2).concat(Bytes.zeros(2));
  }

  private static String set(int keyBytes) {
    return keyBytes == 16 ? "four" : "six";
  }

  /// Table, chain, and for each family a set and a rule (linux/netfilter/nf_tables.h).
  ///
  /// What is there already stays as it is; its rules are put in anew, for they would be doubled.
  private static List<Bytes> table(Optional<Bytes> element) {
    var messages = new ArrayList<Bytes>();
    messages.add(message(NEWTABLE, NLM_F_CREATE, List.of(text(1, TABLE))));
    messages.add(message(NEWCHAIN, NLM_F_CREATE, List.of(text(1, TABLE), text(3, CHAIN),
        nested(4, number(1, HOOK_IN), number(2, PRIORITY)), text(7, "filter"))));
    messages.add(message(DELRULE, 0, List.of(text(1, TABLE), text(2, CHAIN))));
    messages.add(set(4, 7, 1));
    messages.add(set(16, 8, 2));
    messages.add(rule(4, 2, 12));
    messages.add(rule(16, 10, 8));
    element.ifPresent(messages::add);
    return messages;
  }

  /// @param type of nft(8) for a host, so that it prints well
  private static Bytes set(int hostBytes, int type, int id) {
    int keyBytes = 2 * hostBytes + 8;
    int service = 13;
    return message(NEWSET, NLM_F_CREATE, List.of(text(1, TABLE), text(2, set(keyBytes)), number(3, 0),
        number(4, type << 18 | service << 12 | type << 6 | service), number(5, keyBytes), number(10, id)));
  }

  /// @param sourceAt offset of the source host in the IP header
  private static Bytes rule(int hostBytes, int family, int sourceAt) {
    int words = hostBytes / 4;
    Bytes expressions = nested(4,
        expression("meta", number(1, 1), number(2, META_NFPROTO)),
        expression("cmp", number(1, 1), number(2, 0), nested(3, attribute(1, Bytes.of(new byte[] {(byte) family})))),
        expression("meta", number(1, 1), number(2, META_L4PROTO)),
        expression("cmp", number(1, 1), number(2, 0), nested(3, attribute(1, Bytes.of(new byte[] {6})))),
        load(NETWORK, sourceAt, hostBytes, REG32),
        load(TRANSPORT, 0, 2, REG32 + words),
        load(NETWORK, sourceAt + hostBytes, hostBytes, REG32 + words + 1),
        load(TRANSPORT, 2, 2, REG32 + 2 * words + 1),
        expression("lookup", text(1, set(2 * hostBytes + 8)), number(2, 1)),
        expression("immediate", number(1, 0), nested(2, nested(2, number(1, 0)))));
    return message(NEWRULE, NLM_F_CREATE, List.of(text(1, TABLE), text(2, CHAIN), expressions));
  }

  private static Bytes load(int base, int offset, int lengthBytes, int register) {
    return expression("payload", number(1, register), number(2, base), number(3, offset), number(4, lengthBytes));
  }

  private static Bytes expression(String name, Bytes... data) {
    return nested(1, text(1, name), nested(2, data));
  }

  private static Bytes batch(List<Bytes> messages) {
    Bytes all = header(16, 0, Bytes.hex("0000000a"));
    for (Bytes message : messages) {
      all = all.concat(message);
    }
    return all.concat(header(17, 0, Bytes.hex("0000000a")));
  }

  private static Bytes message(int type, int flags, List<Bytes> attributes) {
    return header(SUBSYSTEM << 8 | type, flags, attributes.stream()
        .reduce(Bytes.of(new byte[] {NFPROTO_INET, 0, 0, 0}), Bytes::concat));
  }

  /// struct nlmsghdr.
  private static Bytes header(int type, int flags, Bytes content) {
    return Bytes.ofU32(16 + content.length(), type | (flags | 1) << 16, 0, 0).concat(content);
  }

  private static Bytes attribute(int type, Bytes value) {
    return Bytes.ofU32(4 + value.length() | type << 16).concat(value).concat(Bytes.zeros(-value.length() & 3));
  }

  private static Bytes nested(int type, Bytes... attributes) {
    return attribute(type | 0x8000, java.util.Arrays.stream(attributes).reduce(Bytes.EMPTY, Bytes::concat));
  }

  private static Bytes number(int type, int value) {
    return attribute(type, Bytes.ofU32(Integer.reverseBytes(value)));
  }

  private static Bytes text(int type, String value) {
    return attribute(type, Bytes.cString(value));
  }
}
