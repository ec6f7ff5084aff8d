package stasis.engine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import stasis.procfs.Proc;

/// The environment of this very host.
public final class LiveEnvironment {
  private LiveEnvironment() {}

  /// @throws IOException when /proc/sys cannot be read
  public static Environment of(String engineVersion) throws IOException {
    return new Environment(Proc.live(), () -> Clocks.nowNs(Clocks.MONOTONIC), () -> Clocks.nowNs(Clocks.BOOTTIME),
        () -> Clocks.nowNs(Clocks.REALTIME), line("osrelease"), line("random/boot_id"), line("hostname"),
        engineVersion);
  }

  private static String line(String name) throws IOException {
    return Files.readString(Path.of("/proc/sys/kernel", name)).strip();
  }
}
