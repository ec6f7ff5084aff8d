package stasis.kinds.socket;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.kinds.file.Readiness;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.HiddenSocket;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

/// Options that can be set and not be asked for: exact where the kernel's memory shows their value, refused by name
/// where it shows only that they are used, told where it shows nothing.
public final class HiddenOptions {
  private static final int SO_REUSEPORT = 15;
  private static final int SO_TIMESTAMPING_OLD = 37;
  private static final int SO_TIMESTAMPING_NEW = 65;
  private static final int SO_BUSY_POLL_BUDGET = 70;
  private static final int SOF_TIMESTAMPING_OPT_ID = 1 << 7;
  private static final int TCP_MAXSEG = 2;
  private static final int TCP_SAVED_SYN = 28;
  private static final int IPV6_MTU = 24;
  private static final int IPV6_FLOWLABEL_MGR = 32;
  static final int IPV6_PKTINFO = 50;
  private static final int FLOW_REQUEST_BYTES = 32;
  private static final String DETACH = "let the program take that back before the checkpoint";

  private HiddenOptions() {}

  static void add(OpenFile file, Set<Integer> levels, boolean datagrams, List<SocketOption> options)
      throws ObstructedException {
    boolean v6 = levels.contains(OptionTable.IPPROTO_IPV6);
    if (v6 && hasFlowLabel(file)) {
      throw new ObstructedException(file.subject(), "it holds IPv6 flow labels (IPV6_FLOWLABEL_MGR)", DETACH);
    }
    Optional<HiddenSocket> shown = file.hiddenSocket();
    if (shown.isEmpty()) {
      return;
    }
    HiddenSocket hidden = shown.get();
    refuse(file, hidden);
    add(options, OptionTable.SOL_SOCKET, SO_BUSY_POLL_BUDGET, hidden.busyPollBudget());
    if (v6) {
      add(options, OptionTable.IPPROTO_IPV6, IPV6_MTU, hidden.fragmentBytes());
      if (!hidden.stickyInfo().equals(Bytes.zeros(hidden.stickyInfo().length()))) {
        options.add(new SocketOption(OptionTable.IPPROTO_IPV6, IPV6_PKTINFO, hidden.stickyInfo()));
      }
    }
    if (levels.contains(OptionTable.IPPROTO_TCP)) {
      add(options, OptionTable.IPPROTO_TCP, TCP_MAXSEG, hidden.segmentBytes());
    }
    if (datagrams && hidden.multicastIndex() != 0) {
      // getsockopt(2) tells the address alone: struct ip_mreqn has the interface too.
      options.removeIf(option -> SocketOptions.is(option, OptionTable.IPPROTO_IP, OptionTable.IP_MULTICAST_IF));
      options.add(new SocketOption(OptionTable.IPPROTO_IP, OptionTable.IP_MULTICAST_IF,
          Bytes.ofU32(0, hidden.multicastAddress(), hidden.multicastIndex())));
    }
  }

  private static void add(List<SocketOption> options, int level, int name, int value) {
    if (value != 0) {
      options.add(new SocketOption(level, name, Bytes.ofU32(value)));
    }
  }

  private static void refuse(OpenFile file, HiddenSocket hidden) throws ObstructedException {
    List<String> used = new ArrayList<>();
    if (hidden.sharersProgram()) {
      used.add("a program chooses among those who share its port (SO_ATTACH_REUSEPORT_CBPF or _EBPF)");
    }
    if (hidden.policies()) {
      used.add("it has IPsec policies of its own (IP_XFRM_POLICY)");
    }
    if (hidden.keyed()) {
      used.add("its segments are signed (TCP_MD5SIG or TCP-AO)");
    }
    if (hidden.flowLabels()) {
      used.add("it holds IPv6 flow labels (IPV6_FLOWLABEL_MGR)");
    }
    if (hidden.anycast()) {
      used.add("it has joined an anycast address (IPV6_JOIN_ANYCAST)");
    }
    if (!used.isEmpty()) {
      throw new ObstructedException(file.subject(), String.join("; ", used) + ", which cannot be read back", DETACH);
    }
  }

  /// The label it sends with, or those it gives back (IPV6_FL_F_REFLECT), can be asked for; its other leases not.
  private static boolean hasFlowLabel(OpenFile file) {
    Answer answer = file.ask(Nr.GETSOCKOPT, Arg.self(), Arg.imm(OptionTable.IPPROTO_IPV6),
        Arg.imm(IPV6_FLOWLABEL_MGR), Arg.space(FLOW_REQUEST_BYTES), Arg.data(Bytes.ofU32(FLOW_REQUEST_BYTES)));
    return !answer.failed();
  }

  /// What shutdown(2) did to a socket of datagrams: 1 for reading, 2 for writing. That it was shut down for writing
  /// alone no call tells.
  public static int shut(OpenFile file) {
    int ready = Readiness.of(file, Readiness.READ_SHUT);
    int shown = (ready & Readiness.HUNG_UP) != 0 ? 3 : (ready & Readiness.READ_SHUT) != 0 ? 1 : 0;
    return file.hiddenSocket().map(HiddenSocket::shutdown).orElse(shown);
  }

  /// What of a socket with these options does not come back as it was, in words.
  public static List<String> told(OpenFile file, List<SocketOption> options, boolean datagrams) {
    List<String> told = new ArrayList<>();
    for (int name : new int[] {SO_TIMESTAMPING_OLD, SO_TIMESTAMPING_NEW}) {
      if (SocketOptions.value(options, OptionTable.SOL_SOCKET, name)
          .filter(value -> (value.u32(0) & SOF_TIMESTAMPING_OPT_ID) != 0).isPresent()) {
        told.add("the count of its time-stamped packets (SOF_TIMESTAMPING_OPT_ID) begins anew");
      }
    }
    if (!datagrams && hasSavedSyn(file)) {
      told.add("the SYN that was kept for it (TCP_SAVED_SYN) is not there again");
    }
    if (file.hiddenSocket().isEmpty()) {
      if (datagrams) {
        told.add("without BPF it is not known whether it has an interface for multicast by number (IP_MULTICAST_IF),"
            + " an address to send from (IPV6_PKTINFO), a fragment size (IPV6_MTU), anycast addresses or flow labels,"
            + " or was shut down for writing");
      }
      if (SocketOptions.value(options, OptionTable.SOL_SOCKET, SO_REUSEPORT).isPresent()) {
        told.add("without BPF it is not known whether a program chooses among those who share its port");
      }
    }
    return told;
  }

  /// Asking with no room does not take it (net/ipv4/tcp.c, do_tcp_getsockopt()).
  private static boolean hasSavedSyn(OpenFile file) {
    Answer answer = file.ask(Nr.GETSOCKOPT, Arg.self(), Arg.imm(OptionTable.IPPROTO_TCP), Arg.imm(TCP_SAVED_SYN),
        Arg.space(4), Arg.data(Bytes.ofU32(0)));
    return answer.failedWith(stasis.linux.abi.Errno.EINVAL);
  }
}
