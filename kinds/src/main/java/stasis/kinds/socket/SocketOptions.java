package stasis.kinds.socket;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.kinds.AddressMap;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.OwnCall;
import stasis.resource.Quiet;
import stasis.resource.Script;

/// Reads all options of a socket, and sets them again.
public final class SocketOptions {
  static final int SO_SNDBUF = 7;
  static final int SO_RCVBUF = 8;
  static final int SO_FILTER = 26;
  private static final int SO_SNDBUFFORCE = 32;
  private static final int SO_RCVBUFFORCE = 33;
  private static final int SO_TIMESTAMPING_OLD = 37;
  private static final int SO_TIMESTAMPING_NEW = 65;
  private static final int SO_DETACH_FILTER = 27;
  private static final int FPROG_BYTES = 16;
  private static final int FILTER_INSN_BYTES = 8;
  /// BPF_RET | BPF_K, 0: with jt and jf, which it ignores, to know it by.
  private static final Bytes DROP_ALL = Bytes.hex("0600535400000000");
  private static final int MAX_FILTER_INSNS = 4096;

  private SocketOptions() {}

  /// What differs from a new socket, in the order in which it is set.
  ///
  /// @param set what such a socket tells
  public static List<SocketOption> of(OpenFile file, OptionSet set) throws ObstructedException {
    Map<Integer, Bytes> differing = file.options(set.queries());
    var options = new ArrayList<SocketOption>();
    for (int i = 0; i < set.rows().size(); i++) {
      OptionTable.Row row = set.rows().get(i);
      boolean filter = row.level() == OptionTable.SOL_SOCKET && row.name() == SO_FILTER;
      Optional<Bytes> value = filter ? filter(file).filter(program -> !program.isEmpty())
          : Optional.ofNullable(differing.get(i));
      value.ifPresent(found -> options.add(new SocketOption(row.level(), row.name(), found)));
    }
    // The old name shows what was set by the new one (net/core/sock.c, sk_getsockopt()).
    if (options.stream().anyMatch(option -> is(option, OptionTable.SOL_SOCKET, SO_TIMESTAMPING_NEW))) {
      options.removeIf(option -> is(option, OptionTable.SOL_SOCKET, SO_TIMESTAMPING_OLD));
    }
    HiddenOptions.add(file, set.levels(), set.datagrams(), options);
    return List.copyOf(options);
  }

  static boolean is(SocketOption option, int level, int name) {
    return option.level() == level && option.name() == name;
  }

  /// The value of one of them.
  public static Optional<Bytes> value(List<SocketOption> options, int level, int name) {
    return options.stream().filter(option -> is(option, level, name)).map(SocketOption::value).findFirst();
  }

  /// The program as it was attached (SO_GET_FILTER): its length is told in instructions.
  private static Optional<Bytes> filter(OpenFile file) throws ObstructedException {
    Answer answer = file.ask(Nr.GETSOCKOPT, Arg.self(), Arg.imm(OptionTable.SOL_SOCKET), Arg.imm(SO_FILTER),
        Arg.imm(0), Arg.data(Bytes.ofU32(0)));
    if (answer.failedWith(Errno.EACCES)) {
      throw new ObstructedException(file.subject(), "an eBPF filter is attached to it, which cannot be read",
          "use a classic filter (SO_ATTACH_FILTER), or detach it before the checkpoint");
    }
    int insns = answer.failed() ? 0 : answer.output(4).u32(0);
    if (insns <= 0 || insns > MAX_FILTER_INSNS) {
      return Optional.of(Bytes.EMPTY);
    }
    Answer program = file.ask(Nr.GETSOCKOPT, Arg.self(), Arg.imm(OptionTable.SOL_SOCKET), Arg.imm(SO_FILTER),
        Arg.space(insns * FILTER_INSN_BYTES), Arg.data(Bytes.ofU32(insns)));
    if (program.failed()) {
      throw new ObstructedException(file.subject(), "its filter cannot be read: " + Errno.of(program.result()), "");
    }
    return Optional.of(program.output(3));
  }

  /// The same options where addresses are others: those some of them name.
  public static List<SocketOption> mapped(List<SocketOption> options, AddressMap map) {
    return options.stream().map(option -> {
      boolean sticky = is(option, OptionTable.IPPROTO_IPV6, HiddenOptions.IPV6_PKTINFO);
      if (!sticky && !is(option, OptionTable.IPPROTO_IP, OptionTable.IP_MULTICAST_IF)) {
        return option;
      }
      Bytes value = option.value();
      // struct in6_pktinfo; struct in_addr; struct ip_mreqn.
      int at = !sticky && value.length() > 4 ? 4 : 0;
      int length = sticky ? 16 : 4;
      Bytes host = map.of(value.slice(at, length), 0).map(rule -> rule.to().host()).orElse(value.slice(at, length));
      return new SocketOption(option.level(), option.name(), value.slice(0, at).concat(host)
          .concat(value.slice(at + length, value.length() - at - length)));
    }).toList();
  }

  /// @throws IllegalArgumentException for one that no checkpoint writes
  public static List<SocketOption> checked(List<SocketOption> options) {
    for (SocketOption option : options) {
      OptionTable.Row row = OptionTable.row(option).orElseThrow(() -> new IllegalArgumentException(
          "socket option " + option.level() + "/" + option.name() + " is not known"));
      boolean filter = is(option, OptionTable.SOL_SOCKET, SO_FILTER);
      int longest = filter ? MAX_FILTER_INSNS * FILTER_INSN_BYTES : row.roomBytes();
      if (option.value().length() > longest || filter && option.value().length() % FILTER_INSN_BYTES != 0) {
        throw new IllegalArgumentException(row.label() + " of " + option.value().length() + " bytes");
      }
    }
    return List.copyOf(options);
  }

  /// Appends those that bind(2), connect(2) and listen(2) look at.
  public static void setBefore(List<SocketOption> options, Arg socket, Script script) {
    set(options, OptionTable.When.BEFORE, socket, script);
    set(options, OptionTable.When.HIDDEN, socket, script);
  }

  /// Appends the others.
  public static void setAfter(List<SocketOption> options, Arg socket, Script script) {
    set(options, OptionTable.When.AFTER, socket, script);
  }

  /// Appends buffers wide enough for what is put into its queues; the right sizes follow with [#setAfter].
  public static void widen(long bytes, Arg socket, Script script) {
    Bytes room = Bytes.ofU32((int) Math.min(Integer.MAX_VALUE / 2, bytes));
    for (int name : new int[] {SO_SNDBUFFORCE, SO_RCVBUFFORCE}) {
      script.callTolerating(Set.of(Errno.EPERM), Nr.SETSOCKOPT, "room for its queues", socket,
          Arg.imm(OptionTable.SOL_SOCKET), Arg.imm(name), Arg.data(room), Arg.imm(room.length()));
    }
  }

  private static void set(List<SocketOption> options, OptionTable.When when, Arg socket, Script script) {
    for (SocketOption option : options) {
      OptionTable.Row row = OptionTable.row(option).orElseThrow();
      if (row.when() == when) {
        set(option, row, socket, script);
      }
    }
  }

  /// struct sock_fprog: the number of instructions, and at 8 where they are.
  private static Arg filterArg(Bytes insns) {
    return new Arg.Struct(Bytes.ofU64(insns.length() / FILTER_INSN_BYTES, 0),
        List.of(new Arg.Patch(8, 8, Arg.data(insns))));
  }

  /// Drops every packet that comes for the socket: no acknowledgement goes out, and nothing in the socket changes. The
  /// filter it has stays behind ours, where it is not run but can be read.
  ///
  /// @param undo what else is to be undone, after that @param unmute and @param last see [Quiet]
  public static Quiet deafen(OpenFile file, List<OwnCall> undo, List<OwnCall> unmute, List<OwnCall> last)
      throws ObstructedException {
    Bytes own = filter(file).orElse(Bytes.EMPTY);
    OwnCall back = own.isEmpty() ? set(SO_DETACH_FILTER, Arg.data(Bytes.ofU32(0)), 4)
        : set(SO_FILTER, filterArg(own), FPROG_BYTES);
    return new Quiet(List.of(set(SO_FILTER, filterArg(DROP_ALL.concat(own)), FPROG_BYTES)),
        OwnCall.sequence(List.of(back), undo), unmute, last);
  }

  private static OwnCall set(int name, Arg value, int lengthBytes) {
    return OwnCall.of(Nr.SETSOCKOPT, Arg.self(), Arg.imm(OptionTable.SOL_SOCKET), Arg.imm(name), value,
        Arg.imm(lengthBytes));
  }

  /// The options as they were before [#deafen].
  public static List<SocketOption> undeafened(List<SocketOption> options) {
    var before = new ArrayList<SocketOption>();
    for (SocketOption option : options) {
      boolean deaf = is(option, OptionTable.SOL_SOCKET, SO_FILTER)
          && option.value().slice(0, FILTER_INSN_BYTES).equals(DROP_ALL);
      if (!deaf) {
        before.add(option);
      } else if (option.value().length() > FILTER_INSN_BYTES) {
        before.add(new SocketOption(option.level(), option.name(),
            option.value().slice(FILTER_INSN_BYTES, option.value().length() - FILTER_INSN_BYTES)));
      }
    }
    return List.copyOf(before);
  }

  private static void set(SocketOption option, OptionTable.Row row, Arg socket, Script script) {
    if (is(option, OptionTable.SOL_SOCKET, SO_SNDBUF)) {
      buffer(option.value().u32(0), SO_SNDBUF, SO_SNDBUFFORCE, row.label(), socket, script);
    } else if (is(option, OptionTable.SOL_SOCKET, SO_RCVBUF)) {
      buffer(option.value().u32(0), SO_RCVBUF, SO_RCVBUFFORCE, row.label(), socket, script);
    } else if (is(option, OptionTable.SOL_SOCKET, SO_FILTER)) {
      script.call(Nr.SETSOCKOPT, row.label(), socket, Arg.imm(option.level()), Arg.imm(option.name()),
          filterArg(option.value()), Arg.imm(FPROG_BYTES));
    } else {
      script.call(Nr.SETSOCKOPT, row.label(), socket, Arg.imm(option.level()), Arg.imm(option.name()),
          Arg.data(option.value()), Arg.imm(option.value().length()));
    }
  }

  /// The kernel doubles what is set (net/core/sock.c, __sock_set_rcvbuf()). The forced way passes the limit of
  /// net.core.wmem_max and needs CAP_NET_ADMIN.
  private static void buffer(int bytes, int name, int forced, String label, Arg socket, Script script) {
    Bytes half = Bytes.ofU32(bytes / 2);
    script.call(Nr.SETSOCKOPT, label, socket, Arg.imm(OptionTable.SOL_SOCKET), Arg.imm(name), Arg.data(half),
        Arg.imm(half.length()));
    script.callTolerating(Set.of(Errno.EPERM), Nr.SETSOCKOPT, label + ", beyond its limit", socket,
        Arg.imm(OptionTable.SOL_SOCKET), Arg.imm(forced), Arg.data(half), Arg.imm(half.length()));
  }
}
