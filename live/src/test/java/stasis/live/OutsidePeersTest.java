package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.RestoreRequest;
import stasis.engine.RestoreOutcome;
import stasis.engine.Restorer;
import stasis.kinds.Kinds;
import stasis.kinds.TcpPeers;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.resource.Obstacle;
import stasis.testkit.Victim;

/// Connections whose other end is this JVM, which is not of the tree.
class OutsidePeersTest {
  private static final Path STANDARD_INPUT = standardInput();
  private static final Duration BOUND = Duration.ofSeconds(30);

  private static Victim connected(Cycle cycle, Victims victims, ServerSocket server, String... environment) {
    var program = victims.program("outside").with("PORT=" + server.getLocalPort());
    for (String variable : environment) {
      program = program.with(variable);
    }
    return cycle.start(program);
  }

  private static Socket greeted(ServerSocket server) throws IOException {
    Socket socket = server.accept();
    socket.getOutputStream().write("hello".getBytes(StandardCharsets.ISO_8859_1));
    return socket;
  }

  /// What undoes our changes names files of its own: never ours.
  @AfterEach
  void ourStandardInputIsWhatItWas() throws IOException {
    assertThat(Files.readSymbolicLink(Path.of("/proc/self/fd/0"))).isEqualTo(STANDARD_INPUT);
  }

  private static Path standardInput() {
    try {
      return Files.readSymbolicLink(Path.of("/proc/self/fd/0"));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void aConnectionToTheOutsideIsRefusedWithBothAddressesAndGoesOn(@TempDir Path work) throws IOException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work);
        ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Victim victim = connected(cycle, victims, server);
      try (Socket peer = greeted(server)) {
        victim.awaitReady("connected", BOUND);
        List<Obstacle> obstacles = cycle.refuse(victim);
        assertThat(obstacles).singleElement().extracting(Obstacle::reason).asString()
            .contains("127.0.0.1:" + peer.getPort()).contains("127.0.0.1:" + server.getLocalPort());
        victim.go("connected");
        assertThat(victim.verdict(BOUND)).isEqualTo(new Victim.Verdict.Passed());
        assertThat(new String(peer.getInputStream().readNBytes(5), StandardCharsets.ISO_8859_1)).isEqualTo("alive");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TCP=1", "MULTIPATH=1"})
  void aConnectionThatIsGivenUpComesBackResetWithItsUnreadBytes(String variable, @TempDir Path work)
      throws IOException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work);
        ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Victim victim = connected(cycle, victims, server, "RESET=1", variable);
      try (Socket peer = greeted(server)) {
        victim.awaitReady("connected", BOUND);
        Path image = cycle.newImage();
        CheckpointOutcome outcome = new Checkpointer(Kinds.all(TcpPeers.CLOSE), cycle.environment()).checkpoint(
            new CheckpointRequest(victim.pid(), image, false, false, false, Optional.empty()), _ -> { });
        assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
        cycle.bury(victim);
        RestoreOutcome restored = new Restorer(Kinds.all(), cycle.environment())
            .restore(new RestoreRequest(image, false), _ -> { });
        assertThat(restored).as(Cycle.text(restored)).isInstanceOf(RestoreOutcome.Running.class);
        victim.go("connected");
        assertThat(victim.verdict(BOUND)).isEqualTo(new Victim.Verdict.Passed());
        cycle.reap(victim.pid());
        peer.setSoTimeout(5000);
        assertThat(ended(peer)).isTrue();
      }
    }
  }

  @Test
  void aConnectionOfMultipathTcpIsNotKeptAndGoesOn(@TempDir Path work) throws IOException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work);
        ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Victim victim = connected(cycle, victims, server, "MULTIPATH=1");
      try (Socket peer = greeted(server)) {
        victim.awaitReady("connected", BOUND);
        CheckpointOutcome outcome = new Checkpointer(Kinds.all(TcpPeers.KEEP), cycle.environment()).checkpoint(
            new CheckpointRequest(victim.pid(), cycle.newImage(), false, false, false, Optional.empty()), _ -> { });
        assertThat(outcome).isInstanceOf(CheckpointOutcome.Refused.class);
        assertThat(Cycle.text(outcome)).contains("Multipath TCP", "127.0.0.1:" + peer.getPort());
        victim.go("connected");
        assertThat(victim.verdict(BOUND)).isEqualTo(new Victim.Verdict.Passed());
        assertThat(new String(peer.getInputStream().readNBytes(5), StandardCharsets.ISO_8859_1)).isEqualTo("alive");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aConnectionThatIsKeptGoesOnAndItsPeerNoticesNothing(boolean leaveRunning, @TempDir Path work)
      throws IOException {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_NET_ADMIN, for TCP_REPAIR and nf_tables");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work);
        ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Victim victim = connected(cycle, victims, server, "MEANWHILE=1");
      try (Socket peer = greeted(server)) {
        victim.awaitReady("connected", BOUND);
        Path image = cycle.newImage();
        CheckpointOutcome outcome = new Checkpointer(Kinds.all(TcpPeers.KEEP), cycle.environment()).checkpoint(
            new CheckpointRequest(victim.pid(), image, leaveRunning, false, false, Optional.empty()), _ -> { });
        assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
        if (!leaveRunning) {
          cycle.bury(victim);
          peer.getOutputStream().write("mean".getBytes(StandardCharsets.ISO_8859_1));
          assertThat(new Restorer(Kinds.all(), cycle.environment()).restore(new RestoreRequest(image, true), _ -> { }))
              .isInstanceOf(RestoreOutcome.Refused.class);
          RestoreOutcome restored = new Restorer(Kinds.all(TcpPeers.KEEP), cycle.environment())
              .restore(new RestoreRequest(image, false), _ -> { });
          assertThat(restored).as(Cycle.text(restored)).isInstanceOf(RestoreOutcome.Running.class);
          nothingIsLeft(peer.getPort());
          peer.getOutputStream().write("while".getBytes(StandardCharsets.ISO_8859_1));
        } else {
          nothingIsLeft(peer.getPort());
          peer.getOutputStream().write("meanwhile".getBytes(StandardCharsets.ISO_8859_1));
        }
        victim.go("connected");
        assertThat(victim.verdict(BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
        assertThat(new String(peer.getInputStream().readNBytes(5), StandardCharsets.ISO_8859_1)).isEqualTo("alive");
        cycle.reap(victim.pid());
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"in", "out", "in out"})
  void aHalfClosedConnectionIsKeptAndStaysSo(String half, @TempDir Path work) throws IOException {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_NET_ADMIN, for TCP_REPAIR and nf_tables");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work);
        ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Victim victim = connected(cycle, victims, server, "HALF=" + half);
      try (Socket peer = greeted(server)) {
        if (half.contains("in")) {
          peer.shutdownOutput();
        }
        victim.awaitReady("connected", BOUND);
        Path image = cycle.newImage();
        CheckpointOutcome outcome = new Checkpointer(Kinds.all(TcpPeers.KEEP), cycle.environment()).checkpoint(
            new CheckpointRequest(victim.pid(), image, false, false, false, Optional.empty()), _ -> { });
        assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
        cycle.bury(victim);
        RestoreOutcome restored = new Restorer(Kinds.all(TcpPeers.KEEP), cycle.environment())
            .restore(new RestoreRequest(image, false), _ -> { });
        assertThat(restored).as(Cycle.text(restored)).isInstanceOf(RestoreOutcome.Running.class);
        if (!half.contains("in")) {
          peer.getOutputStream().write("meanwhile".getBytes(StandardCharsets.ISO_8859_1));
          peer.shutdownOutput();
        }
        victim.go("connected");
        assertThat(victim.verdict(BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
        assertThat(new String(peer.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1)).isEqualTo("alive");
        cycle.reap(victim.pid());
      }
    }
  }

  /// Of the packet filter nothing is left, unless another program of this host waits in it.
  private static void nothingIsLeft(int port) throws IOException {
    if (!Files.isExecutable(Path.of("/usr/sbin/nft"))) {
      return;
    }
    Process nft = new ProcessBuilder("/usr/sbin/nft", "list", "table", "inet", "stasis").redirectErrorStream(true)
        .start();
    String said = new String(nft.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(said).doesNotContain(Integer.toString(port));
    assertThat(said).matches("(?s).*(elements = |No such file).*");
  }

  /// By an end or by a reset: bytes that the program had not read make it a reset.
  private static boolean ended(Socket peer) {
    try {
      return peer.getInputStream().read() < 0;
    } catch (java.net.SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true;
    }
  }
}
