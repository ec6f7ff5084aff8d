package stasis.linux.probe;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// Numbers and settings that bound what can come back.
final class LimitProbe {
  private static final int RLIMIT_NOFILE = 7;
  private static final int RLIMIT_MEMLOCK = 8;
  private static final int BPF_MAP_CREATE = 0;
  private static final int BPF_MAP_TYPE_LRU_HASH = 9;

  private LimitProbe() {}

  static List<Finding> look() {
    return List.of(
        yama(),
        bpf(),
        sysctl(Feature.MAX_MAP_COUNT, "/proc/sys/vm/max_map_count"),
        sysctl(Feature.PID_MAX, "/proc/sys/kernel/pid_max"),
        hardLimit(Feature.HARD_NOFILE, RLIMIT_NOFILE),
        hardLimit(Feature.MEMLOCK, RLIMIT_MEMLOCK));
  }

  /// 1 lets a task be seized by its ancestors only, 2 by CAP_SYS_PTRACE only, 3 by nobody: security/yama.
  private static Finding yama() {
    Optional<String> scope = read("/proc/sys/kernel/yama/ptrace_scope");
    if (scope.isEmpty() || scope.get().equals("0")) {
      return Finding.present(Feature.YAMA, scope.isEmpty() ? "no yama" : "0, unrestricted");
    }
    return Finding.missing(Feature.YAMA, "is " + scope.get());
  }

  /// An LRU map needs CAP_BPF where an ordinary array may not (kernel/bpf/syscall.c, map_create()).
  private static Finding bpf() {
    if (!Files.isReadable(Path.of("/sys/kernel/btf/vmlinux"))) {
      return Finding.missing(Feature.BPF_ITERATOR, "no /sys/kernel/btf/vmlinux");
    }
    try (Scratch scratch = new Scratch()) {
      // union bpf_attr for BPF_MAP_CREATE: map_type, key_size, value_size, max_entries, map_flags.
      long map = scratch.open(Nr.BPF, BPF_MAP_CREATE, scratch.u32(BPF_MAP_TYPE_LRU_HASH, 4, 4, 16, 0), 20);
      return Scratch.verdict(Feature.BPF_ITERATOR, map);
    }
  }

  private static Finding sysctl(Feature feature, String file) {
    return Finding.noted(feature, read(file).orElse("not readable"));
  }

  private static Finding hardLimit(Feature feature, int resource) {
    try (Scratch scratch = new Scratch()) {
      MemorySegment limit = scratch.out(16); // struct rlimit64: rlim_cur, rlim_max
      long result = Syscalls.call(Nr.PRLIMIT64, 0, resource, 0, limit.address());
      if (Errno.isError(result)) {
        return Finding.noted(feature, Errno.of(result).name());
      }
      long hard = limit.get(ValueLayout.JAVA_LONG, 8);
      return Finding.noted(feature, hard == -1 ? "unlimited" : Long.toUnsignedString(hard));
    }
  }

  /// One read(2): a second one, at an offset, finds a sysctl empty (kernel/sysctl.c, do_proc_dointvec()), so
  /// `Files.readString` gets the first byte only.
  private static Optional<String> read(String file) {
    try (InputStream in = Files.newInputStream(Path.of(file))) {
      byte[] text = new byte[256];
      return Optional.of(new String(text, 0, Math.max(0, in.read(text)), StandardCharsets.US_ASCII).strip());
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
