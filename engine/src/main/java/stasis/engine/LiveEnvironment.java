package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Proc;

/// The environment of this very host.
public final class LiveEnvironment {
  private static final int CLOCK_REALTIME = 0;
  private static final int CLOCK_MONOTONIC = 1;
  private static final int CLOCK_BOOTTIME = 7;

  private LiveEnvironment() {}

  /// @throws IOException when /proc/sys cannot be read
  public static Environment of(String engineVersion) throws IOException {
    return new Environment(Proc.live(), () -> clock(CLOCK_MONOTONIC), () -> clock(CLOCK_BOOTTIME),
        () -> clock(CLOCK_REALTIME), line("osrelease"), line("random/boot_id"), line("hostname"), engineVersion);
  }

  private static long clock(int id) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment time = arena.allocate(16, 8);
      Syscalls.call(Nr.CLOCK_GETTIME, id, time.address());
      return time.get(JAVA_LONG, 0) * 1_000_000_000L + time.get(JAVA_LONG, 8);
    }
  }

  private static String line(String name) throws IOException {
    return Files.readString(Path.of("/proc/sys/kernel", name)).strip();
  }
}
