package stasis.engine;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.Tid;
import stasis.tracee.CgroupFolders;

/// Whether there is memory for what copies may come to: on the host, and in the cgroups of those who would be charged.
/// The kernel ends a process where a limit would be passed.
///
/// Room in a cgroup is its limit less its use, and what of that use is clean file cache that nobody has used lately,
/// which is given up before anything else. Beyond `memory.high` nobody is ended, but all are slowed down until they
/// stand (Documentation/admin-guide/cgroup-v2.rst): it counts as a limit. Swap counts for the host only.
final class MemoryRoom {
  private static final long PAGE = 4096;
  /// Fields of `/proc/PID/statm`, in pages; the difference is anonymous and private (proc_pid_statm(5)).
  private static final int RESIDENT = 1;
  private static final int SHARED = 2;
  /// Page tables take so many times less than what they show, by a margin of two.
  private static final long TABLES = 256;
  /// What a task takes of its cgroup besides: measured 0.3 MB for itself, and as much again because the kernel takes
  /// from a limit in advance (mm/memcontrol.c, MEMCG_CHARGE_BATCH).
  private static final long TASK_BYTES = 512 << 10;
  private static final String MEMORY = "memory";
  /// Above this a limit of version 1 is none: LONG_MAX, rounded down to pages.
  private static final long UNLIMITED = 1L << 60;
  private static final List<Limit> UNIFIED = List.of(new Limit("memory.max", "memory.current"),
      new Limit("memory.high", "memory.current"));
  private static final List<Limit> FIRST = List.of(new Limit("memory.limit_in_bytes", "memory.usage_in_bytes"),
      new Limit("memory.memsw.limit_in_bytes", "memory.memsw.usage_in_bytes"));

  /// Names of files. @param use what the limit holds for
  private record Limit(String file, String use) {}

  private final CgroupFolders folders;
  private final Path memoryInfo;
  private final Map<Path, Long> wanted = new LinkedHashMap<>();
  private long wantedBytes;

  MemoryRoom(CgroupFolders folders, Path memoryInfo) {
    this.folders = folders;
    this.memoryInfo = memoryInfo;
  }

  /// Of this host.
  static MemoryRoom look() {
    return new MemoryRoom(CgroupFolders.look(), Path.of("/proc/meminfo"));
  }

  /// Memory that programs can have without swap, in bytes; empty if the kernel does not say so.
  static Optional<Long> availableBytes() {
    return kib(CgroupFolders.lines(Path.of("/proc/meminfo")), "MemAvailable:");
  }

  /// A copy-on-write copy of a task's private memory, every page of which is then written to.
  void wantCopyOf(Tid task) {
    CgroupFolders.lines(Path.of("/proc/" + task + "/statm")).stream().map(line -> line.split(" "))
        .mapToLong(words -> (Long.parseLong(words[RESIDENT]) - Long.parseLong(words[SHARED])) * PAGE).findFirst()
        .ifPresent(bytes -> want(task, bytes + bytes / TABLES + TASK_BYTES));
  }

  /// Copies that a task is charged for.
  void want(Tid task, long bytes) {
    want(CgroupFolders.of(task), bytes);
  }

  void want(List<CgroupFolders.Membership> memberships, long bytes) {
    wantedBytes += bytes;
    memberships.stream().filter(one -> one.isUnified() || one.controllers().contains(MEMORY))
        .flatMap(one -> folders.upwards(one).stream()).distinct()
        .forEach(folder -> wanted.merge(folder, bytes, Long::sum));
  }

  /// Where there may be too little, in words.
  Optional<String> shortage() {
    return wanted.entrySet().stream().flatMap(one -> shortage(one.getKey(), one.getValue()).stream()).findFirst()
        .or(this::hostShortage);
  }

  private Optional<String> hostShortage() {
    List<String> lines = CgroupFolders.lines(memoryInfo);
    return kib(lines, "MemAvailable:").map(bytes -> bytes + kib(lines, "SwapFree:").orElse(0L))
        .filter(room -> room < wantedBytes).map(room -> text(wantedBytes, "this host", room));
  }

  private static Optional<String> shortage(Path folder, long bytes) {
    for (Limit limit : List.of(UNIFIED, FIRST).stream().flatMap(List::stream).toList()) {
      Optional<Long> most = number(folder.resolve(limit.file())).filter(value -> value < UNLIMITED);
      Optional<Long> used = most.flatMap(_ -> number(folder.resolve(limit.use())));
      if (used.isPresent() && most.get() - used.get() < bytes) {
        long room = Math.max(0, most.get() - used.get() + reclaimableBytes(folder));
        if (room < bytes) {
          return Optional.of(text(bytes, folder.resolve(limit.file()).toString(), room));
        }
      }
    }
    return Optional.empty();
  }

  private static String text(long bytes, String where, long room) {
    return "copies of pages that it writes to may come to " + bytes + " bytes, and " + where + " has room for " + room;
  }

  /// Asked for only where it matters: the kernel adds it up first.
  private static long reclaimableBytes(Path folder) {
    List<String> lines = CgroupFolders.lines(folder.resolve("memory.stat"));
    String total = lines.stream().anyMatch(line -> line.startsWith("total_")) ? "total_" : "";
    boolean first = !total.isEmpty();
    return Math.max(0, counter(lines, total + "inactive_file") - counter(lines, first ? "total_dirty" : "file_dirty")
        - counter(lines, first ? "total_writeback" : "file_writeback"));
  }

  private static long counter(List<String> lines, String name) {
    return lines.stream().filter(line -> line.startsWith(name + " "))
        .mapToLong(line -> Long.parseLong(line.substring(name.length() + 1).strip())).findFirst().orElse(0);
  }

  private static Optional<Long> kib(List<String> lines, String name) {
    return lines.stream().filter(line -> line.startsWith(name))
        .map(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) << 10).findFirst();
  }

  /// None where the file says `max`, or is not there.
  private static Optional<Long> number(Path file) {
    return CgroupFolders.lines(file).stream().filter(line -> line.matches("[0-9]+")).map(Long::valueOf).findFirst();
  }
}
