package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.testkit.Victim;

/// Programs under full load and a checkpoint every second: not one operation is lost or repeated.
///
/// `-Dstasis.live.load=SECONDS` for as long (else a few seconds, of two programs), `-Dstasis.live.load.on=NAME` for one
/// program. Rows of the table go to `target/load.md`.
class LoadTest {
  private static final int SIGINT = 2;
  private static final int FEW_SECONDS = 2;
  private static final int SECONDS = Integer.getInteger("stasis.live.load", FEW_SECONDS);
  private static final String ON = System.getProperty("stasis.live.load.on", "");
  private static final Path TABLE = Path.of("target", "load.md");

  private final Victims victims = new Victims();

  @TestFactory
  Stream<DynamicTest> notOneOperationIsLostOrRepeated(@TempDir Path work) {
    return subjects().map(subject -> DynamicTest.dynamicTest(subject.name(),
        () -> underLoad(subject, work.resolve(subject.name()))));
  }

  private static Stream<LoadSubject> subjects() {
    assumeTrue("root".equals(System.getProperty("user.name")), "needs root: programs come back at their pids");
    return LoadSubject.all().stream().filter(LoadSubject::isHere)
        .filter(subject -> ON.isEmpty() ? SECONDS > FEW_SECONDS || subject.alone() : subject.name().equals(ON));
  }

  private void underLoad(LoadSubject subject, Path work) throws IOException {
    try (var run = new LoadRun(subject, victims, work)) {
      run.load(SECONDS);
      String row = run.row(SECONDS, run.passes());
      System.out.println(row + " refused: " + run.refused());
      Files.writeString(TABLE, row + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      if (subject.name().equals("postgres-full")) {
        assertThat(run.guarded()).as("checkpoints that protected shared memory").isPositive();
      }
      run.leftNothing();
      run.keptOnesGoOn();
      run.leftNothing();
      if (run.sizes().size() >= 100) {
        ProcessSize.assertFlat(run.sizes());
      }
    }
  }

  /// The programs are the judges: each has to find out one operation too many, or too few.
  @TestFactory
  Stream<DynamicTest> whatIsLostOrRepeatedIsFound(@TempDir Path work) {
    return subjects().map(subject -> DynamicTest.dynamicTest(subject.name(), () -> {
      try (var cycle = new Cycle(victims, work.resolve(subject.name()))) {
        Victim victim = cycle.start(subject.subject().program().apply(victims));
        victim.awaitReady(subject.subject().label(), Cycle.BOUND);
        harm(subject, victim);
        Ground.waitFor(() -> !victim.isAlive());
        assertThat(victim.verdict(Cycle.BOUND)).as(subject.name()).isInstanceOf(Victim.Verdict.Failed.class);
        endServer(victim.folder().resolve("data/postmaster.pid"));
      }
    }));
  }

  /// One that is killed would leave its shared memory behind.
  private static void endServer(Path pidFile) throws IOException {
    if (Files.exists(pidFile)) {
      Syscalls.call(Nr.KILL, Long.parseLong(Files.readAllLines(pidFile).getFirst()), SIGINT);
      assertThat(Ground.waitFor(() -> !Files.exists(pidFile))).isTrue();
    }
  }

  private static void harm(LoadSubject subject, Victim victim) throws IOException, InterruptedException {
    switch (subject.name()) {
      case "openmp" -> Files.write(victim.folder().resolve("ledger"), new byte[Long.BYTES], StandardOpenOption.APPEND);
      case "postgres", "postgres-full" -> {
        String query = "update total set number = number + 1";
        Path binary;
        try (Stream<Path> all = Files.list(Path.of("/usr/lib/postgresql"))) {
          binary = all.sorted().toList().getLast().resolve("bin/psql");
        }
        var psql = new ProcessBuilder(List.of(binary.toString(), "-h", victim.folder().toString(), "-U", "postgres",
            "-qc", query)).inheritIO().start();
        assertThat(psql.waitFor()).isZero();
      }
      default -> {
        try (SocketChannel channel = SocketChannel.open(
            UnixDomainSocketAddress.of(victim.folder().resolve("redis.sock")))) {
          channel.write(ByteBuffer.wrap("DECR own:3\r\n".getBytes(StandardCharsets.US_ASCII)));
          assertThat(channel.read(ByteBuffer.allocate(64))).isPositive();
        }
      }
    }
  }
}
