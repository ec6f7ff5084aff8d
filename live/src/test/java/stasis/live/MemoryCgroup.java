package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import stasis.linux.abi.Tid;

/// A cgroup of the test's own that limits memory, of whichever version this machine has its memory controller in. It
/// must be empty when it is closed.
final class MemoryCgroup implements AutoCloseable {
  private static final long PAGE = 4096;
  private static final String STEM = "stasis-test-memory-";
  private final Path folder;
  private final boolean unified;

  private MemoryCgroup(Path folder, boolean unified) {
    this.folder = folder;
    this.unified = unified;
  }

  /// Skips the test where none can be made.
  static MemoryCgroup make() throws IOException {
    for (boolean unified : new boolean[] {false, true}) {
      Optional<Path> top = mounted(unified ? ".* - cgroup2 .*" : ".* - cgroup .*\\bmemory\\b.*");
      if (top.isPresent() && Files.isWritable(top.get().resolve("cgroup.procs"))) {
        Path folder = Files.createDirectory(top.get().resolve(STEM + ProcessHandle.current().pid()));
        if (Files.exists(folder.resolve(unified ? "memory.max" : "memory.limit_in_bytes"))) {
          return new MemoryCgroup(folder, unified);
        }
        Files.delete(folder);
      }
    }
    assumeTrue(false, "needs a hierarchy of cgroups with the memory controller");
    throw new AssertionError("skipped");
  }

  private static Optional<Path> mounted(String line) throws IOException {
    try (var mounts = Files.lines(Path.of("/proc/self/mountinfo"))) {
      return mounts.filter(one -> one.matches(line)).map(one -> Path.of(one.split(" ")[4])).findFirst();
    }
  }

  String limitFile() {
    return unified ? "memory.max" : "memory.limit_in_bytes";
  }

  Path folder() {
    return folder;
  }

  void add(Tid process) throws IOException {
    Files.writeString(folder.resolve("cgroup.procs"), process.toString());
  }

  long usedBytes() {
    return Long.parseLong(text(unified ? "memory.current" : "memory.usage_in_bytes").strip());
  }

  /// Whole pages; what does not fit cannot go to swap.
  void limit(long bytes) throws IOException {
    unlimited();
    Files.writeString(folder.resolve(limitFile()), Long.toString(bytes & -PAGE));
    if (Files.exists(swapLimit())) {
      Files.writeString(swapLimit(), unified ? "0" : Long.toString(bytes & -PAGE));
    }
  }

  void unlimited() throws IOException {
    // Of version 1 the sum of both must never be less than the one.
    if (Files.exists(swapLimit())) {
      Files.writeString(swapLimit(), unified ? "max" : "-1");
    }
    Files.writeString(folder.resolve(limitFile()), unified ? "max" : "-1");
  }

  private Path swapLimit() {
    return folder.resolve(unified ? "memory.swap.max" : "memory.memsw.limit_in_bytes");
  }

  /// How many processes the kernel has ended here because memory ran out.
  long kills() {
    return text(unified ? "memory.events" : "memory.oom_control").lines().filter(line -> line.startsWith("oom_kill "))
        .mapToLong(line -> Long.parseLong(line.split(" ")[1])).findFirst().orElseThrow();
  }

  private String text(String file) {
    try {
      return Files.readString(folder.resolve(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    assertThat(Ground.waitFor(this::isGone)).as("%s is empty", folder).isTrue();
  }

  private boolean isGone() {
    try {
      Files.deleteIfExists(folder);
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
