package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;

/// Sockets that need a network set up for them.
class OwnNetworkTest {
  @Test
  void pingsAndLinkLocalAddressesComeBack(@TempDir Path work) throws Exception {
    assumeTrue(Syscalls.call(Nr.GETEUID) == 0, "missing: CAP_SYS_ADMIN and CAP_NET_ADMIN, for a network namespace");
    assumeTrue(Files.isExecutable(Path.of("/usr/sbin/ip")), "missing: ip (iproute2)");

    assertThat(ConnectionsTest.inNamespace(OwnNetwork.class, work, work.resolve("work").toString())).containsExactly(
        "pings alone Passed[]", "pings carried Passed[]", "scoped alone Passed[]", "scoped carried Passed[]");
  }
}
