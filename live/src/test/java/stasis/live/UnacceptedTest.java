package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointReport;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.kinds.Kinds;
import stasis.kinds.TcpPeers;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.testkit.Victim;

/// A server whose clients are outside and were not accepted. Those within are `file/tcp` of [VictimsTest].
class UnacceptedTest {
  private static final Duration BOUND = Duration.ofSeconds(30);

  @ParameterizedTest
  @CsvSource({"REFUSE, whose peer is outside the program, TCP=1", "KEEP, the kernel lets nobody make one, TCP=1",
      "REFUSE, whose peer is outside the program, MULTIPATH=1", "KEEP, the kernel lets nobody make one, MULTIPATH=1"})
  void aClientOutsideIsRefusedWithBothAddressesAndAcceptedAfterwards(TcpPeers outside, String words, String variable,
      @TempDir Path work) throws IOException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      int port = freePort();
      Victim victim = cycle.start(victims.program("unaccepted").with("PORT=" + port).with(variable));
      try (Socket client = greeting(victim, port)) {
        CheckpointOutcome outcome = checkpoint(cycle, victim, cycle.newImage(), outside);

        assertThat(outcome).isInstanceOf(CheckpointOutcome.Refused.class);
        assertThat(Cycle.text(outcome)).contains(words, "127.0.0.1:" + port, "127.0.0.1:" + client.getLocalPort());
        victim.go("waiting");
        assertThat(victim.verdict(BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TCP=1", "MULTIPATH=1"})
  void aClientOutsideThatIsGivenUpIsToldDropped(String variable, @TempDir Path work) throws IOException {
    String told = dropped(work, TcpPeers.CLOSE, variable);

    assertThat(told).contains("the connection from").contains("that it has not accepted is dropped");
  }

  @Test
  void aHandshakeWithAClientOutsideIsToldDropped(@TempDir Path work) throws IOException {
    assertThat(dropped(work, TcpPeers.REFUSE, "DEFER=1")).contains("the handshake that 127.0.0.1:");
  }

  private static String dropped(Path work, TcpPeers outside, String variable) throws IOException {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_BPF");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      int port = freePort();
      Victim victim = cycle.start(victims.program("unaccepted").with("PORT=" + port).with("NOBODY=1").with(variable));
      try (Socket _ = variable.startsWith("DEFER") ? connected(victim, port) : greeting(victim, port)) {
        Path image = cycle.newImage();
        CheckpointOutcome outcome = checkpoint(cycle, victim, image, outside);
        if (!(outcome instanceof CheckpointOutcome.Stored(CheckpointReport report))) {
          throw new AssertionError(Cycle.text(outcome));
        }
        cycle.bury(victim);
        cycle.running(image);
        victim.go("waiting");
        assertThat(victim.verdict(BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
        cycle.reap(victim.pid());
        return report.losses().toString();
      }
    }
  }

  private static CheckpointOutcome checkpoint(Cycle cycle, Victim victim, Path image, TcpPeers outside) {
    return new Checkpointer(Kinds.all(outside), cycle.environment()).checkpoint(
        new CheckpointRequest(victim.pid(), image, false, false, false, Optional.empty()), _ -> { });
  }

  private static Socket connected(Victim victim, int port) throws IOException {
    victim.awaitReady("listening", BOUND);
    Socket client = new Socket(InetAddress.getLoopbackAddress(), port);
    victim.go("listening");
    victim.awaitReady("waiting", BOUND);
    return client;
  }

  private static Socket greeting(Victim victim, int port) throws IOException {
    Socket client = connected(victim, port);
    client.getOutputStream().write("hello".getBytes(StandardCharsets.ISO_8859_1));
    return client;
  }

  private static int freePort() throws IOException {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return server.getLocalPort();
    }
  }
}
