package stasis.procfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;

class ParseTest {
  @Test
  void aSharedMemorySegmentIsALineOfNumbers() {
    String text = """
               key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime \
            dtime      ctime                   rss                  swap
        -559038737     777777  3640                 20580 20223 20224      7     1     2     3     4 1795285798 \
        1795285798 1795285798                  8192                     0
        """;
    assertThat(ShmSegment.parse(text))
        .containsExactly(new ShmSegment(0xdeadbeef, 777777, 03640, 20580, 7, 3, 4));
    assertThat(ShmSegment.parse(text).getFirst().isRemoved()).isTrue();
    assertThatThrownBy(() -> ShmSegment.parse("header\n1 2 3\n")).isInstanceOf(ProcFormatException.class);
    assertThatThrownBy(() -> ShmSegment.parse(text.replace("777777", "x"))).isInstanceOf(ProcFormatException.class);
  }

  private static final String SMAPS_TAIL = """
      Size:                  4 kB
      KernelPageSize:     2048 kB
      Rss:                   8 kB
      FilePmdMapped:         7 kB
      Private_Hugetlb:    2048 kB
      Locked:                4 kB
      THPeligible:           1
      ProtectionKey:         5
      VmFlags: rd zz wr q !\s
      """;

  @Test
  void mapsSurviveARoundTripThroughTheKernelsFormat() {
    var random = new Random(7);
    for (int round = 0; round < 200; round++) {
      var vmas = new ArrayList<Vma>();
      long at = random.nextLong() >>> 17 & -4096L;
      for (int i = random.nextInt(50); i >= 0; i--) {
        long end = at + 4096L * (1 + random.nextInt(1 << 20));
        vmas.add(new Vma(at, end, random.nextInt(8), random.nextBoolean(), random.nextLong() & -4096L,
            new Device(random.nextInt(4096), random.nextInt(1 << 20)), random.nextLong(Long.MAX_VALUE), name(random)));
        at = end;
      }
      assertThat(Maps.parse(print(vmas)).vmas()).isEqualTo(vmas);
    }
  }

  private static String name(Random random) {
    var name = new StringBuilder(random.nextInt(4) == 0 ? "" : "/");
    for (int i = random.nextInt(30); i > 0 && !name.isEmpty(); i--) {
      char c = (char) (1 + random.nextInt(255));
      name.append(c == '\n' ? "\\012" : c);
    }
    return name.toString();
  }

  private static String print(List<Vma> vmas) {
    var text = new StringBuilder();
    for (Vma vma : vmas) {
      text.append(String.format("%08x-%08x %s%s%s%s %08x %02x:%02x %d", vma.start(), vma.end(),
          vma.readable() ? "r" : "-", vma.writable() ? "w" : "-", vma.executable() ? "x" : "-",
          vma.shared() ? "s" : "p", vma.offset(), vma.device().major(), vma.device().minor(), vma.inode()));
      text.append(vma.name().isEmpty() ? " " : " ".repeat(17)).append(vma.name()).append('\n');
    }
    return text.toString();
  }

  @Test
  void mapsCutOffAnywhereAreRefusedOrShorterButNeverMisread() {
    var whole = List.of(new Vma(0x1000, 0x2000, 5, false, 0x300000, new Device(254, 0), 123456, "/a b"));
    String text = print(whole);
    for (int cut = 1; cut < text.indexOf(" 123456"); cut++) {
      String part = text.substring(0, cut);
      assertThatThrownBy(() -> Maps.parse(part)).as(part).isInstanceOf(ProcFormatException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"zz-1000 r--p 0 00:00 0\n", "1000-2000 rq-p 0 00:00 0\n", "1000-2000 r--p 0 00:00 x\n", "\n",
      "10000000000000000-2 r--p 0 00:00 0\n", "1000 2000 r--p 0 00:00 0\n"})
  void aLineThatIsNoVmaIsRefused(String line) {
    assertThatThrownBy(() -> Maps.parse(line)).isInstanceOf(ProcFormatException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[anon:glibc: malloc]", "[anon_shmem:glibc: malloc]"})
  void theNameOfAnAnonymousVmaIsTakenOutOfItsBrackets(String shown) {
    assertThat(Maps.parse("1000-2000 rw-p 00000000 00:00 0    " + shown + "\n").vmas().getFirst().anonName())
        .contains("glibc: malloc");
  }

  @Test
  void smapsKeepsKeysHugePagesAndFlagsOfANewerKernel() {
    Smaps.Entry entry = Smaps.parse("1000-2000 rw-p 00000000 00:00 0 \n" + SMAPS_TAIL).entries().getFirst();
    assertThat(entry.protectionKey()).hasValue(5);
    assertThat(entry.kernelPageSizeKib()).isEqualTo(2048);
    assertThat(entry.hugetlbKib()).isEqualTo(2048);
    assertThat(entry.thpEligible()).isTrue();
    assertThat(entry.flags().set()).isEqualTo(Set.of(VmFlag.RD, VmFlag.WR));
    assertThat(entry.flags().unknown()).containsExactly("zz", "q", "!");
  }

  @Test
  void smapsLinesThatCrossTheReadBufferAreWhole() {
    String one = SMAPS_TAIL + "abcd000-abce000 r--p 00000000 fe:00 17     /" + "x".repeat(3000) + "\n";
    String text = "1000-2000 rw-p 00000000 00:00 0 \n" + one.repeat(500) + SMAPS_TAIL.strip();
    Smaps smaps = Smaps.parse(text);
    assertThat(smaps.entries()).hasSize(501);
    assertThat(new HashSet<>(smaps.entries())).hasSize(2);
  }

  @Test
  void everyFlagCodeIsTwoLettersAndReadsBackAsItself() {
    for (VmFlag flag : VmFlag.values()) {
      byte[] code = flag.code().getBytes(java.nio.charset.StandardCharsets.US_ASCII);
      assertThat(VmFlags.parse(code, 0, code.length)).isEqualTo(VmFlags.of(flag));
      assertThat(VmFlags.of(flag).toString()).isEqualTo(flag.code());
    }
  }

  @Test
  void commEndsAtTheLastParenthesis() {
    Stat stat = Stat.parse("7 (x) R 1 (y) Z 1" + " 2".repeat(47) + " -3\n");
    assertThat(stat.comm()).isEqualTo("x) R 1 (y");
    assertThat(stat.state()).isEqualTo('Z');
    assertThat(stat.exitCode()).isEqualTo(-3);
    assertThatThrownBy(() -> Stat.parse("7 (x) R 1 2 3\n")).isInstanceOf(ProcFormatException.class);
  }

  @Test
  void mountsWithOptionalWordsBlanksAndNewlinesAreRead() {
    MountInfo info = MountInfo.parse("""
        22 27 0:21 / /proc rw,relatime - proc proc rw
        36 35 98:1048575 /mnt1 /mnt\\040a\\012b rw,noatime master:1 shared:2 - ext3 /dev/my\\134root rw,errors=continue
        40 1 0:5 / / rw - tmpfs  rw
        """);
    MountInfo.Mount mount = info.byId(36).orElseThrow();
    assertThat(mount.point()).isEqualTo(PathBytes.of("/mnt a\nb"));
    assertThat(mount.optional()).containsExactly("master:1", "shared:2");
    assertThat(mount.source()).isEqualTo("/dev/my\\root");
    assertThat(mount.device()).isEqualTo(new Device(98, 1048575));
    assertThat(info.byId(40).orElseThrow().source()).isEmpty();
    assertThatThrownBy(() -> MountInfo.parse("22 27 0:21 / /proc rw\n")).isInstanceOf(ProcFormatException.class);
  }

  @Test
  void cgroupPathsMayHoldColons() {
    assertThat(Cgroup.parse("9:name=systemd:/\n3:cpu,cpuacct:/a:b\n0::/x\n").lines()).containsExactly(
        new Cgroup.Line(9, List.of("name=systemd"), PathBytes.of("/")),
        new Cgroup.Line(3, List.of("cpu", "cpuacct"), PathBytes.of("/a:b")),
        new Cgroup.Line(0, List.of(), PathBytes.of("/x")));
  }

  @Test
  void aWaiterForALockIsNotTakenForItsHolder() {
    Locks locks = Locks.parse("""
        1: POSIX  ADVISORY  WRITE 100 fe:00:123 0 EOF
        1: -> POSIX  ADVISORY  READ 200 fe:00:123 5 9
        2: OFDLCK ADVISORY  READ  -1 00:05:9 0 0
        """);
    assertThat(locks.list()).extracting(Locks.Lock::blocked).containsExactly(false, true, false);
    assertThat(locks.list().get(2).owner()).isEqualTo(-1);
    assertThat(locks.list().get(1).device()).isEqualTo(new Device(254, 0));
  }

  @Test
  void deviceNumbersAgreeInAllThreeEncodings() {
    var random = new Random(3);
    for (int i = 0; i < 1000; i++) {
      var device = new Device(random.nextInt(1 << 12), random.nextInt(1 << 20));
      assertThat(Device.ofStat(device.stat())).isEqualTo(device);
      assertThat(Device.ofKernel((long) device.major() << 20 | device.minor())).isEqualTo(device);
    }
  }

  @Test
  void theAuxiliaryVectorOfA32BitTaskIsRefused() {
    assertThatThrownBy(() -> Auxv.parse(Bytes.zeros(24))).isInstanceOf(ProcFormatException.class);
    assertThat(Auxv.parse(Bytes.ofU64(6, 4096, 0, 0, 9, 9)).entries()).containsExactly(new Auxv.Entry(6, 4096));
  }

  @Test
  void statusOfAZombieHasNoMemoryLines() {
    Status status = Status.parse("Name:\tx\nState:\tZ (zombie)\nTgid:\t5\nNgid:\t0\nPid:\t5\n");
    assertThat(status.state()).isEqualTo('Z');
    assertThat(status.umask()).isEmpty();
    assertThat(status.thpEnabled()).isEmpty();
    assertThat(status.kib("VmLck")).isEmpty();
  }

  @Test
  void aNamespaceLinkOfAnotherShapeIsRefused() {
    assertThatThrownBy(() -> Namespaces.parse(Map.of("net", "/etc/net"))).isInstanceOf(ProcFormatException.class);
  }

  @Test
  void policiesCalledByTwoWordsAreReadWhole() {
    String text = """
        200000000000 default file=/x mapped=1 N0=1
        200000005000 prefer (many)=relative:0 anon=1
        200000006000 weighted interleave:0-3
        200000007000 default
        """;
    assertThat(NumaMaps.policies(text))
        .isEqualTo(Map.of(0x200000005000L, "prefer (many)=relative:0", 0x200000006000L, "weighted interleave:0-3"));
    assertThat(NumaMaps.parse(text).entries()).extracting(NumaMaps.Entry::policy)
        .containsExactly("default", "prefer (many)=relative:0", "weighted interleave:0-3", "default");
  }
}
