package stasis.engine;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.sys.Syscalls;

/// What fresh namespaces lack for a tree to be restored in them.
final class ProofGround {
  private static final long NOSUID_NODEV_NOEXEC = 2 | 4 | 8;
  private static final int PR_SET_PDEATHSIG = 1;
  private static final int SIGKILL = 9;
  private static final int AF_INET = 2;
  private static final int SOCK_DGRAM_CLOEXEC = 2 | 0x80000;
  private static final int SIOCGIFFLAGS = 0x8913;
  private static final int SIOCSIFFLAGS = 0x8914;
  private static final short IFF_UP = 1;
  /// `struct ifreq`: a name of 16 bytes, then a union.
  private static final int IFREQ_BYTES = 40;
  private static final int IFREQ_FLAGS = 16;
  /// `struct rtentry` (linux/route.h).
  private static final int RTENTRY_BYTES = 120;
  private static final int RT_DST = 8;
  private static final int RT_GENMASK = 40;
  private static final int RT_FLAGS = 56;
  private static final int RT_DEV = 88;
  private static final short RTF_UP = 1;
  private static final int SIOCADDRT = 0x890b;
  /// How many numbers our own threads and helpers may take one after the other.
  private static final int ROOM = 4000;

  private static final List<String> SETTINGS = Stream.of("ping_group_range", "ip_unprivileged_port_start",
      "ip_local_port_range", "ip_default_ttl", "tcp_rmem", "tcp_wmem", "tcp_congestion_control",
      "tcp_window_scaling", "tcp_timestamps", "tcp_sack", "tcp_ecn", "tcp_mtu_probing", "tcp_fastopen",
      "tcp_keepalive_time", "tcp_keepalive_intvl", "tcp_keepalive_probes", "tcp_notsent_lowat", "igmp_max_memberships",
      "igmp_max_msf").map(name -> "/proc/sys/net/ipv4/" + name).toList();

  private ProofGround() {}

  /// Ends with who started us; takes part of the blame when memory runs out.
  static void bind() throws SyscallException, IOException {
    Syscalls.require("end with the engine", Nr.PRCTL, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    Files.writeString(Path.of("/proc/self/oom_score_adj"), "1000");
  }

  /// A /proc of these pids, terminals and message queues of their own, and a loopback device that is up, over which all
  /// routes lead: into nothing, unless to an address of the loopback net. Any address may be bound to.
  static void furnish() throws SyscallException, IOException {
    mount("proc", "/proc", NOSUID_NODEV_NOEXEC, "");
    if (Files.isDirectory(Path.of("/dev/pts"))) {
      mount("devpts", "/dev/pts", 2 | 8, "newinstance,ptmxmode=0666,mode=0620");
    }
    if (Files.isDirectory(Path.of("/dev/mqueue"))) {
      mount("mqueue", "/dev/mqueue", NOSUID_NODEV_NOEXEC, "");
    }
    loopback();
    for (String family : List.of("ipv4", "ipv6")) {
      set("/proc/sys/net/" + family + "/ip_nonlocal_bind", "1");
    }
  }

  private static void set(String path, String value) throws IOException {
    if (Files.exists(Path.of(path))) {
      Files.writeString(Path.of(path), value);
    }
  }

  /// What sockets are made by, as the host has it.
  static List<ProofOrder.Setting> settings() {
    var settings = new ArrayList<ProofOrder.Setting>();
    for (String path : SETTINGS) {
      try {
        settings.add(new ProofOrder.Setting(path, Files.readString(Path.of(path))));
      } catch (IOException _) {
        // This kernel has it not.
      }
    }
    return settings;
  }

  static void apply(List<ProofOrder.Setting> settings) {
    for (ProofOrder.Setting setting : settings) {
      Path file = Path.of(setting.path());
      try {
        if (Files.exists(file) && !Files.readString(file).equals(setting.text())) {
          Files.writeString(file, setting.text());
        }
      } catch (IOException _) {
        // Not to be had in a user namespace, such as groups that are not in it: a socket that needs it will differ.
      }
    }
  }

  private static void mount(String type, String at, long flags, String options) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment name = arena.allocateFrom(type);
      Syscalls.require("mount a fresh " + at, Nr.MOUNT, name.address(), arena.allocateFrom(at).address(),
          name.address(), flags, options.isEmpty() ? 0 : arena.allocateFrom(options).address());
    }
  }

  private static void loopback() throws SyscallException {
    long socket = Syscalls.require("open a socket", Nr.SOCKET, AF_INET, SOCK_DGRAM_CLOEXEC, 0);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment request = arena.allocate(IFREQ_BYTES, Long.BYTES);
      request.setString(0, "lo");
      Syscalls.require("look at the loopback device", Nr.IOCTL, socket, SIOCGIFFLAGS, request.address());
      request.set(ValueLayout.JAVA_SHORT, IFREQ_FLAGS,
          (short) (request.get(ValueLayout.JAVA_SHORT, IFREQ_FLAGS) | IFF_UP));
      Syscalls.require("bring the loopback device up", Nr.IOCTL, socket, SIOCSIFFLAGS, request.address());
      MemorySegment route = arena.allocate(RTENTRY_BYTES, Long.BYTES);
      route.set(ValueLayout.JAVA_SHORT, RT_DST, (short) AF_INET);
      route.set(ValueLayout.JAVA_SHORT, RT_GENMASK, (short) AF_INET);
      route.set(ValueLayout.JAVA_SHORT, RT_FLAGS, RTF_UP);
      route.set(ValueLayout.JAVA_LONG, RT_DEV, arena.allocateFrom("lo").address());
      Syscalls.require("lead all routes to nothing", Nr.IOCTL, socket, SIOCADDRT, route.address());
    } finally {
      Syscalls.call(Nr.CLOSE, socket);
    }
  }

  /// From here on who does not choose a number gets one that nobody of the tree wants.
  static void leaveRoom(Collection<Integer> pids) throws IOException {
    var taken = new TreeSet<>(pids);
    int from = ROOM;
    while (!taken.subSet(from, from + ROOM).isEmpty()) {
      from += ROOM;
    }
    Files.writeString(Path.of("/proc/sys/kernel/ns_last_pid"), Integer.toString(from));
  }
}
