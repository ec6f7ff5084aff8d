package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// A program whose connections all lie within it comes back under other addresses (`--map-address`).
class ReaddressedTest {
  @Test
  void aConnectedPairComesBackUnderOtherAddressesAndPorts(@TempDir Path work) throws Exception {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_SYS_ADMIN and CAP_NET_ADMIN, for a network namespace");
    assumeTrue(Files.isExecutable(Path.of("/usr/sbin/ip")), "missing: ip (iproute2)");

    assertThat(ConnectionsTest.inNamespace(Readdressed.class, work, work.resolve("work").toString())).containsExactly(
        "alone Passed[]",
        "same refused 10.77.0.1 fd77:0:0:0:0:0:0:1",
        "missing refused 10.77.0.2 fd77:0:0:0:0:0:0:2",
        "planned 10.77.0.2",
        "running",
        "mapped Passed[]",
        "same refused 10.77.0.1 fd77:0:0:0:0:0:0:1",
        "missing refused 10.77.0.3 fd77:0:0:0:0:0:0:3",
        "planned 10.77.0.3",
        "running",
        "mapped:4711 Passed[]");
  }
}
