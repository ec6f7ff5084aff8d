package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.engine.Moment;
import stasis.kinds.TcpPeers;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.repository.ImageStore;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// Connections that are busy while their program is frozen, again and again.
///
/// `-Dstasis.live.connections=full` takes 1,000 of them through 100 freezes.
class ConnectionsTest {
  private static final boolean FULL = System.getProperty("stasis.live.connections", "").equals("full");
  private static final int BOUND_SECONDS = FULL ? 3600 : 600;
  private static final int DEATHS = 6;
  private static final long KEEPER_MS = 200;
  private static final Duration BOUND = Duration.ofSeconds(60);

  @ParameterizedTest
  @ValueSource(strings = {"threads", "forked", "outside"})
  void busyConnectionsSeeNoResetNoEndAndNoWrongByte(String tasks, @TempDir Path work) throws Exception {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_SYS_ADMIN and CAP_NET_ADMIN, for a network namespace");
    List<String> said = run(work, FULL ? 1000 : 100, FULL ? 100 : 5, FULL ? 10 : 2, tasks);

    said.forEach(System.out::println);
    assertThat(said.getLast()).isEqualTo("Passed[] 0 RST 0 FIN");
  }

  /// Wherever it dies: filters, repair mode and the muting of the end are taken back, or the program has ended.
  @ParameterizedTest
  @CsvSource({"false, false", "true, false", "false, true", "true, true"})
  void anEngineKilledInACheckpointLeavesConnectionsAliveOrAnImage(boolean leaveRunning, boolean outside,
      @TempDir Path work)
      throws Exception {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_NET_ADMIN, for TCP_REPAIR");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      // Every moment takes longer than a victim waits otherwise.
      Program program = victims.program("connections", "-pthread", "-O1", "-DVICTIM_MAX_POLLS=5000000")
          .with("CONNECTIONS=30");
      if (outside) {
        program = program.with("OUTSIDE=1");
        cycle.keepingPeers();
      }
      Victim victim = cycle.start(program);
      victim.awaitReady("busy", BOUND);
      List<Moment> moments = new ArrayList<>();
      int gone = 0;
      cycle.checkpoint(victim, cycle.newImage(), true, moments::add);
      for (int ordinal = 0; ordinal <= moments.size() + 1; ordinal += FULL ? 1 : 1 + moments.size() / DEATHS) {
        Path image = cycle.newImage();
        EngineProcess.End end = EngineProcess.checkpoint(victim.pid(), image, leaveRunning, ordinal,
            outside ? TcpPeers.KEEP : TcpPeers.REFUSE);
        // The keeper is a process of its own and may still be at it.
        Thread.sleep(KEEPER_MS);
        if (!victim.isAlive()) {
          gone++;
          assertThat(ImageStore.holdsImage(image)).as(end.words() + victim.errors()).isTrue();
          cycle.bury(victim);
          cycle.running(image);
        }
      }
      System.out.println(gone + " of the deaths came after the image");
      victim.go("busy");
      victim.awaitReady("still-busy", BOUND);
      victim.go("still-busy");
      assertThat(victim.verdict(BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
      cycle.reap(victim.pid());
    }
  }

  private static List<String> run(Path work, int connections, int freezes, int carries, String tasks)
      throws IOException, InterruptedException {
    return inNamespace(Connections.class, work, work.resolve("work").toString(), Integer.toString(connections),
        Integer.toString(freezes), Integer.toString(carries), tasks);
  }

  /// What a program says that runs in a network namespace of its own, line by line.
  static List<String> inNamespace(Class<?> program, Path work, String... arguments)
      throws IOException, InterruptedException {
    Path log = work.resolve("said");
    var command = new ArrayList<>(List.of("unshare", "--net", Path.of(System.getProperty("java.home"), "bin", "java")
        .toString(), "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
        program.getName()));
    command.addAll(List.of(arguments));
    Process jvm = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    if (!jvm.waitFor(BOUND_SECONDS, TimeUnit.SECONDS)) {
      jvm.destroyForcibly();
    }
    return Files.readAllLines(log);
  }
}
