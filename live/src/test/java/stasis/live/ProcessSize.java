package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// What a process has at a moment.
///
/// @param rssKb of all its memory @param heapKb in use after a collection; 0 of another process than this
/// @param children of it, zombies too
record ProcessSize(long rssKb, long heapKb, int vmas, int fds, int threads, int children) {
  private static final int QUARTERS = 4;
  /// What a JVM takes and gives by itself: code, buckets of counts, arenas of its allocator.
  private static final long SLACK_KB = 8 << 10;
  private static final int SLACK_VMAS = 16;
  private static final int SLACK_FDS = 2;
  private static final int SLACK_THREADS = 3;

  /// Of this JVM, after a collection.
  static ProcessSize ofThis() {
    System.gc();
    long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    ProcessSize size = of(ProcessHandle.current().pid());
    return new ProcessSize(size.rssKb(), heap >> 10, size.vmas(), size.fds(), size.threads(), size.children());
  }

  static ProcessSize of(long pid) {
    Path proc = Path.of("/proc/" + pid);
    try (Stream<String> maps = Files.lines(proc.resolve("maps"))) {
      String rss = Files.readAllLines(proc.resolve("status")).stream().filter(line -> line.startsWith("VmRSS:"))
          .findFirst().orElseThrow();
      return new ProcessSize(Long.parseLong(rss.replaceAll("\\D", "")), 0, (int) maps.count(),
          count(proc.resolve("fd")), count(proc.resolve("task")), children(proc));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int count(Path folder) throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return (int) entries.count();
    }
  }

  private static int children(Path proc) throws IOException {
    int children = 0;
    try (Stream<Path> tasks = Files.list(proc.resolve("task"))) {
      for (Path task : tasks.toList()) {
        try {
          children += (int) Arrays.stream(Files.readString(task.resolve("children")).strip().split(" "))
              .filter(pid -> !pid.isEmpty()).count();
        } catch (IOException _) {
          // A thread that has just ended has no children.
        }
      }
    }
    return children;
  }

  /// The last quarter of a run is as large as the second: what the first learns and warms up is no growth.
  static void assertFlat(List<ProcessSize> sizes) {
    ProcessSize second = median(sizes, 1);
    ProcessSize last = median(sizes, QUARTERS - 1);
    String text = "in the second quarter " + second + ", in the last " + last;
    assertThat(last.rssKb()).as("resident memory, %s", text).isLessThanOrEqualTo(second.rssKb() + SLACK_KB);
    assertThat(last.heapKb()).as("heap, %s", text).isLessThanOrEqualTo(second.heapKb() + SLACK_KB / 2);
    assertThat(last.vmas()).as("mappings, %s", text).isLessThanOrEqualTo(second.vmas() + SLACK_VMAS);
    assertThat(last.fds()).as("descriptors, %s", text).isLessThanOrEqualTo(second.fds() + SLACK_FDS);
    assertThat(last.threads()).as("threads, %s", text).isLessThanOrEqualTo(second.threads() + SLACK_THREADS);
    assertThat(last.children()).as("children, %s", text).isLessThanOrEqualTo(second.children());
  }

  /// The medians of all quarters, for people.
  static String quarters(List<ProcessSize> sizes) {
    return IntStream.range(0, QUARTERS).mapToObj(quarter -> median(sizes, quarter).toString())
        .collect(Collectors.joining("\n    ", "\n    ", ""));
  }

  /// @param quarter from 0
  static ProcessSize median(List<ProcessSize> sizes, int quarter) {
    List<ProcessSize> part = sizes.subList(sizes.size() * quarter / QUARTERS, sizes.size() * (quarter + 1) / QUARTERS);
    return new ProcessSize(median(part, ProcessSize::rssKb), median(part, ProcessSize::heapKb),
        (int) median(part, ProcessSize::vmas), (int) median(part, ProcessSize::fds),
        (int) median(part, ProcessSize::threads), (int) median(part, ProcessSize::children));
  }

  private static long median(List<ProcessSize> part, ToLongFunction<ProcessSize> field) {
    return part.stream().mapToLong(field).sorted().skip(part.size() / 2).findFirst().orElseThrow();
  }
}
