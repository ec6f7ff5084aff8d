package stasis.kinds.socket;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Script;

/// The multicast groups a socket has joined, and whose packets to them it wants. A socket does not tell its groups; but
/// which there are on the host does (`/proc/net/igmp`, `igmp6`), and of each a socket can be asked whether it is its
/// own (MCAST_MSFILTER of ip(7)).
public final class Memberships {
  /// @param group 4 or 16 bytes @param interfaceIndex where @param interfaceAddress of IPv4: an address of the interface,
  ///     so that the group can also be left by that @param wanted whether `sources` are those it wants, or does not
  public record Membership(@Tag(1) Bytes group, @Tag(2) int interfaceIndex, @Tag(3) Bytes interfaceAddress,
      @Tag(4) boolean wanted, @Tag(5) List<Bytes> sources) {
    public Membership {
      sources = List.copyOf(sources);
      int hostBytes = group.length();
      if (hostBytes != 4 && hostBytes != 16 || interfaceAddress.length() != 4 || sources.size() > MOST_SOURCES
          || sources.stream().anyMatch(source -> source.length() != hostBytes)) {
        throw new IllegalArgumentException("group " + group + " with " + sources.size() + " sources");
      }
    }
  }

  private record Group(Bytes group, int interfaceIndex, String interfaceName) {}

  private static final int IP_ADD_MEMBERSHIP = 35;
  private static final int IPV6_ADD_MEMBERSHIP = 20;
  private static final int MCAST_MSFILTER = 48;
  private static final int MCAST_INCLUDE = 1;
  private static final int SIOCGIFADDR = 0x8915;
  private static final int IFREQ_BYTES = 40;
  private static final int STORAGE_BYTES = 128;
  private static final int MODE_AT = 136;
  private static final int COUNT_AT = 140;
  private static final int SOURCES_AT = 144;
  private static final int MOST_SOURCES = 4096;

  private Memberships() {}

  public static List<Membership> of(OpenFile file, boolean v6) throws ObstructedException {
    var groups = new ArrayList<Group>(fourth(NetText.read(file, "/proc/net/igmp")));
    if (v6) {
      groups.addAll(sixth(NetText.read(file, "/proc/net/igmp6")));
    }
    var joined = new ArrayList<Membership>();
    for (Group group : groups) {
      Answer answer = ask(file, group, 0);
      if (!answer.failed()) {
        int count = answer.output(3).u32(COUNT_AT);
        joined.add(membership(file, group, count == 0 ? answer : ask(file, group, count), count));
      }
    }
    return List.copyOf(joined);
  }

  private static Membership membership(OpenFile file, Group group, Answer answer, int count)
      throws ObstructedException {
    if (answer.failed() || count > MOST_SOURCES) {
      throw new ObstructedException(file.subject(), "the sources it wants of a multicast group cannot be read: "
          + Errno.of(answer.result()), "");
    }
    Bytes filter = answer.output(3);
    int hostBytes = group.group().length();
    List<Bytes> sources = IntStream.range(0, count).mapToObj(i -> filter.slice(SOURCES_AT + i * STORAGE_BYTES
        + (hostBytes == 4 ? 4 : 8), hostBytes)).toList();
    return new Membership(group.group(), group.interfaceIndex(), hostBytes == 4 ? address(file, group)
        : Bytes.zeros(4), filter.u32(MODE_AT) == MCAST_INCLUDE, sources);
  }

  private static Bytes address(OpenFile file, Group group) {
    Bytes name = Bytes.cString(group.interfaceName());
    Answer answer = file.ask(Nr.IOCTL, Arg.self(), Arg.imm(SIOCGIFADDR),
        Arg.data(name.concat(Bytes.zeros(IFREQ_BYTES - name.length()))));
    return answer.failed() ? Bytes.zeros(4) : answer.output(2).slice(20, 4);
  }

  private static Answer ask(OpenFile file, Group group, int sources) {
    Bytes filter = filter(group.group(), group.interfaceIndex(), MCAST_INCLUDE,
        IntStream.range(0, Math.min(sources, MOST_SOURCES)).mapToObj(_ -> Bytes.zeros(group.group().length())).toList());
    return file.ask(Nr.GETSOCKOPT, Arg.self(), Arg.imm(level(group.group())), Arg.imm(MCAST_MSFILTER),
        Arg.data(filter), Arg.data(Bytes.ofU32(filter.length())));
  }

  private static int level(Bytes group) {
    return group.length() == 4 ? OptionTable.IPPROTO_IP : OptionTable.IPPROTO_IPV6;
  }

  /// struct group_filter (linux/in.h).
  private static Bytes filter(Bytes group, int interfaceIndex, int mode, List<Bytes> sources) {
    Bytes filter = Bytes.ofU32(interfaceIndex, 0).concat(storage(group)).concat(Bytes.ofU32(mode, sources.size()));
    for (Bytes source : sources) {
      filter = filter.concat(storage(source));
    }
    return filter;
  }

  private static Bytes storage(Bytes host) {
    Bytes address = SocketAddress.of(host, 0).bytes();
    return address.concat(Bytes.zeros(STORAGE_BYTES - address.length()));
  }

  /// Appends the joining. Before bind(2): meanwhile nothing comes in that it does not want.
  public static void join(List<Membership> memberships, Arg socket, Script script) {
    for (Membership one : memberships) {
      boolean v4 = one.group().length() == 4;
      Bytes request = v4 ? one.group().concat(one.interfaceAddress()).concat(Bytes.ofU32(one.interfaceIndex()))
          : one.group().concat(Bytes.ofU32(one.interfaceIndex()));
      script.call(Nr.SETSOCKOPT, "multicast group " + SocketAddress.of(one.group(), 0).hostText(), socket,
          Arg.imm(level(one.group())), Arg.imm(v4 ? IP_ADD_MEMBERSHIP : IPV6_ADD_MEMBERSHIP), Arg.data(request),
          Arg.imm(request.length()));
      if (one.wanted() || !one.sources().isEmpty()) {
        Bytes filter = filter(one.group(), one.interfaceIndex(), one.wanted() ? MCAST_INCLUDE : 0, one.sources());
        script.call(Nr.SETSOCKOPT, one.wanted() ? "only from these sources" : "not from these sources", socket,
            Arg.imm(level(one.group())), Arg.imm(MCAST_MSFILTER), Arg.data(filter), Arg.imm(filter.length()));
      }
    }
  }

  /// A line for an interface, then one for each of its groups (net/ipv4/igmp.c, igmp_mc_seq_show()).
  private static List<Group> fourth(String text) {
    var groups = new ArrayList<Group>();
    int index = 0;
    String name = "";
    for (String line : text.lines().skip(1).toList()) {
      String[] words = line.strip().split("[ \t:]+", -1);
      if (Character.isDigit(line.charAt(0))) {
        index = Integer.parseInt(words[0]);
        name = words[1];
      } else {
        groups.add(new Group(Bytes.ofU32(Integer.parseUnsignedInt(words[0], 16)), index, name));
      }
    }
    return groups;
  }

  /// Index, interface, group (net/ipv6/mcast.c, igmp6_mc_seq_show()).
  private static List<Group> sixth(String text) {
    return text.lines().map(line -> line.strip().split(" +", -1))
        .map(words -> new Group(Bytes.hex(words[2]), Integer.parseInt(words[0]), words[1])).toList();
  }
}
