package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// Connections that are busy while their program is frozen, again and again.
///
/// `-Dstasis.live.connections=full` takes 1,000 of them through 100 freezes.
class ConnectionsTest {
  private static final boolean FULL = System.getProperty("stasis.live.connections", "").equals("full");
  private static final int BOUND_SECONDS = 600;

  @Test
  void busyConnectionsSeeNoResetNoEndAndNoWrongByte(@TempDir Path work) throws Exception {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_SYS_ADMIN and CAP_NET_ADMIN, for a network namespace");
    List<String> said = run(work, FULL ? 1000 : 100, FULL ? 100 : 5, FULL ? 10 : 2);

    said.forEach(System.out::println);
    assertThat(said.getLast()).isEqualTo("Passed[] 0 RST 0 FIN");
  }

  private static List<String> run(Path work, int connections, int freezes, int carries)
      throws IOException, InterruptedException {
    Path log = work.resolve("said");
    Process jvm = new ProcessBuilder("unshare", "--net", Path.of(System.getProperty("java.home"), "bin", "java")
        .toString(), "--enable-native-access=ALL-UNNAMED", "-cp", System.getProperty("java.class.path"),
        Connections.class.getName(), work.resolve("work").toString(), Integer.toString(connections),
        Integer.toString(freezes), Integer.toString(carries)).redirectErrorStream(true)
        .redirectOutput(log.toFile()).start();
    if (!jvm.waitFor(BOUND_SECONDS, TimeUnit.SECONDS)) {
      jvm.destroyForcibly();
    }
    return Files.readAllLines(log);
  }
}
