package stasis.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;

/// Where and when was measured.
final class Machine {
  private Machine() {}

  static String describe(Path root) throws IOException, InterruptedException {
    String cpu = Files.readAllLines(Path.of("/proc/cpuinfo")).stream().filter(line -> line.startsWith("model name"))
        .map(line -> line.substring(line.indexOf(':') + 2)).findFirst().orElse("unknown");
    String commit = Command.run(List.of("git", "-C", root.toString(), "describe", "--always", "--dirty"))
        .stdout().strip();
    return "%s, commit %s, %d x %s, Linux %s, Java %s, load %s%n".formatted(
        Instant.now().truncatedTo(ChronoUnit.MINUTES), commit, Runtime.getRuntime().availableProcessors(), cpu,
        System.getProperty("os.version"), System.getProperty("java.runtime.version"), load());
  }

  static String load() throws IOException {
    return String.join(" ", List.of(Files.readString(Path.of("/proc/loadavg")).split(" ")).subList(0, 3));
  }
}
