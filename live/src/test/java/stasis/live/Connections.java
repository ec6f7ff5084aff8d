package stasis.live;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import stasis.engine.CheckpointReport;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// Many busy connections, frozen many times, with a capture beside them. Runs in a JVM in a network namespace of its
/// own: what it says on its last line is what [ConnectionsTest] reads.
final class Connections {
  private static final Duration BOUND = Duration.ofSeconds(60);

  private Connections() {}

  public static void main(String[] arguments) throws IOException {
    Path work = Path.of(arguments[0]);
    int count = Integer.parseInt(arguments[1]);
    int freezes = Integer.parseInt(arguments[2]);
    int carries = Integer.parseInt(arguments[3]);
    var victims = new Victims();
    Process capture = new ProcessBuilder(victims.program("capture").program().toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try (var cycle = new Cycle(victims, work); BufferedReader said = capture.inputReader();
        OutputStream ask = capture.getOutputStream()) {
      if (!"up".equals(said.readLine())) {
        throw new IllegalStateException("no capture");
      }
      Program program = victims.program("connections", "-pthread", "-O1").with("CONNECTIONS=" + count);
      if (arguments[4].equals("forked")) {
        program = program.with("FORKED=1");
      }
      if (arguments[4].equals("outside")) {
        program = program.with("OUTSIDE=1");
        cycle.keepingPeers();
      }
      Victim victim = cycle.start(program);
      victim.awaitReady("busy", BOUND);
      long[] frozenNs = new long[freezes];
      for (int i = 0; i < freezes; i++) {
        CheckpointReport report = cycle.stored(victim, cycle.newImage(), true);
        frozenNs[i] = report.frozenNs();
      }
      for (int i = 0; i < carries; i++) {
        Path image = cycle.newImage();
        cycle.stored(victim, image, false);
        cycle.bury(victim);
        cycle.running(image);
      }
      victim.go("busy");
      victim.awaitReady("still-busy", BOUND);
      ask.write('x');
      ask.flush();
      String counted = said.readLine();
      victim.go("still-busy");
      Victim.Verdict verdict = victim.verdict(BOUND);
      cycle.reap(victim.pid());
      Arrays.sort(frozenNs);
      System.out.println("frozen ms: median " + frozenNs[freezes / 2] / 1_000_000 + ", longest "
          + frozenNs[freezes - 1] / 1_000_000);
      System.out.println(verdict + " " + counted);
    } finally {
      capture.destroy();
    }
    System.exit(0);
  }
}
