package stasis.live;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// What needs a network that is set up for it: pings without privilege, link-local addresses. Runs in a JVM in a
/// network namespace of its own; [OwnNetworkTest] reads what it says.
final class OwnNetwork {
  private static final Duration BOUND = Duration.ofSeconds(30);

  private OwnNetwork() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    ip("link", "set", "lo", "up");
    ip("-6", "addr", "add", "fe80::77/64", "dev", "lo", "nodad");
    Files.writeString(Path.of("/proc/sys/net/ipv4/ping_group_range"), "0 2147483647");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, Path.of(arguments[0]))) {
      carried(cycle, "pings", victims.ofKind("file", "raw").with("PINGS=1"), "open");
      carried(cycle, "scoped", victims.program("scoped"), "scoped");
    }
    System.exit(0);
  }

  private static void carried(Cycle cycle, String name, Program program, String label) {
    Victim alone = cycle.start(program);
    alone.awaitReady(label, BOUND);
    alone.go(label);
    System.out.println(name + " alone " + alone.verdict(BOUND));
    Victim victim = cycle.start(program);
    victim.awaitReady(label, BOUND);
    cycle.carry(victim);
    victim.go(label);
    System.out.println(name + " carried " + victim.verdict(BOUND));
    cycle.reap(victim.pid());
  }

  private static void ip(String... words) throws IOException, InterruptedException {
    var command = new java.util.ArrayList<>(java.util.List.of("ip"));
    command.addAll(java.util.List.of(words));
    int status = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (status != 0) {
      throw new IOException(String.join(" ", command) + " ended with " + status);
    }
  }
}
