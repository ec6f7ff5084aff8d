package stasis.live;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.kinds.AddressMap;
import stasis.kinds.Kinds;
import stasis.kinds.TcpPeers;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// Server and client come back under addresses they never had. Runs in a JVM in a network namespace of its own, whose
/// loopback interface is given those addresses and has them taken away: [ReaddressedTest] reads what it says.
final class Readdressed {
  private static final Duration BOUND = Duration.ofSeconds(30);

  private Readdressed() {}

  public static void main(String[] arguments) throws IOException, InterruptedException {
    ip("link", "set", "lo", "up");
    address("add", "1");
    var victims = new Victims();
    Program program = victims.program("readdressed").with("OLD4=10.77.0.1").with("OLD6=fd77::1");
    try (var cycle = new Cycle(victims, Path.of(arguments[0]))) {
      Victim alone = cycle.start(program.with("NEW4=10.77.0.1").with("NEW6=fd77::1"));
      alone.awaitReady("connected", BOUND);
      alone.go("connected");
      System.out.println("alone " + alone.verdict(BOUND));

      carried(cycle, program, "2", "");
      carried(cycle, program, "3", ":4711");
    }
    System.exit(0);
  }

  private static void carried(Cycle cycle, Program program, String host, String port)
      throws IOException, InterruptedException {
    Victim victim = cycle.start(program.with("NEW4=10.77.0." + host).with("NEW6=fd77::" + host)
        .with("NEW_PORT=" + (port.isEmpty() ? "4711" : "4712")));
    victim.awaitReady("connected", BOUND);
    Path image = cycle.newImage();
    cycle.stored(victim, image, false);
    cycle.bury(victim);
    address("del", "1");
    System.out.println("same " + refused(restore(cycle, image, AddressMap.NONE, true)));
    AddressMap map = map(Stream.of("10.77.0.1" + port + "=10.77.0." + host + (port.isEmpty() ? "" : ":4712"),
        (port.isEmpty() ? "fd77::1" : "[fd77::1]" + port) + "=" + (port.isEmpty() ? "fd77::" + host
            : "[fd77::" + host + "]:4712"), "10.77.0.1=10.77.0." + host, "fd77::1=fd77::" + host));
    System.out.println("missing " + refused(restore(cycle, image, map, false)));
    address("add", host);
    if (restore(cycle, image, map, true) instanceof RestoreOutcome.Planned planned) {
      System.out.println("planned " + planned.program().explain().lines().filter(line -> line.contains("10.77.0."))
          .map(line -> line.replaceAll(".*(10\\.77\\.0\\.\\d+).*", "$1")).distinct().collect(Collectors.joining(" ")));
    }
    RestoreOutcome restored = restore(cycle, image, map, false);
    System.out.println(restored instanceof RestoreOutcome.Running ? "running" : Cycle.text(restored));
    victim.go("connected");
    System.out.println("mapped" + port + " " + victim.verdict(BOUND));
    cycle.reap(victim.pid());
    address("del", host);
    address("add", "1");
  }

  private static AddressMap map(Stream<String> rules) {
    return new AddressMap(rules.map(AddressMap::rule).toList());
  }

  private static RestoreOutcome restore(Cycle cycle, Path image, AddressMap map, boolean dryRun) {
    return new Restorer(Kinds.all(TcpPeers.REFUSE, map), cycle.environment())
        .restore(new RestoreRequest(image, dryRun), _ -> { });
  }

  private static String refused(RestoreOutcome outcome) {
    return outcome instanceof RestoreOutcome.Refused(var obstacles)
        ? "refused " + obstacles.stream().map(obstacle -> obstacle.reason().replaceAll("the address ([^,]*),.*", "$1"))
            .distinct().sorted().collect(Collectors.joining(" "))
        : outcome.getClass().getSimpleName();
  }

  private static void address(String act, String host) throws IOException, InterruptedException {
    ip("addr", act, "10.77.0." + host + "/32", "dev", "lo");
    ip("addr", act, "fd77::" + host + "/128", "dev", "lo", "nodad");
  }

  private static void ip(String... words) throws IOException, InterruptedException {
    List<String> command = Stream.concat(Stream.of("ip"), Stream.of(words)).toList();
    if (new ProcessBuilder(command).inheritIO().start().waitFor() != 0) {
      throw new IOException(String.join(" ", command));
    }
  }
}
