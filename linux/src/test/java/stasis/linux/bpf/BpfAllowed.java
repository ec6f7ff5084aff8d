package stasis.linux.bpf;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// Whether live tests can run, told apart from whether the code works: with the capabilities, a refusal is a failure.
final class BpfAllowed {
  private static final long CAP_PERFMON = 1L << 38;
  private static final long CAP_BPF = 1L << 39;

  private BpfAllowed() {}

  static boolean byCapabilities() throws IOException {
    String effective = Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("CapEff:")).findFirst().orElseThrow().substring(7).strip();
    long capabilities = Long.parseUnsignedLong(effective, 16);
    boolean initialUserNamespace =
        Files.readString(Path.of("/proc/self/uid_map")).strip().matches("0\\s+0\\s+4294967295");
    return initialUserNamespace && (capabilities & CAP_BPF) != 0 && (capabilities & CAP_PERFMON) != 0;
  }

  static HiddenState open() {
    return switch (HiddenState.open()) {
      case HiddenState.Opened.Ready(HiddenState state) -> state;
      case HiddenState.Opened.Unavailable(String reason) -> throw new AssertionError(reason);
    };
  }
}
