package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stasis.resource.Obstacle;
import stasis.testkit.Victim;

/// Sockets that are not carried are refused by name, and the program goes on.
class RefusedSocketsTest {
  @ParameterizedTest
  @CsvSource({"sharers, SO_ATTACH_REUSEPORT_CBPF", "keyed, TCP_MD5SIG", "labelled, IPV6_FLOWLABEL_MGR",
      "anycast, IPV6_JOIN_ANYCAST", "ebpf, eBPF", "tls, tls", "vsock, vsock", "sctp, SCTP", "can, CAN", "xdp, XDP",
      "alg, AF_ALG", "smc, SMC", "tipc, TIPC", "rds, RDS", "mptcp, Multipath TCP", "ring, PACKET_RX_RING",
      "unread, only the kernel", "urgent, urgent data", "ao, TCP-AO"})
  void isRefusedByName(String which, String name, @TempDir Path work) {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.program("refused_socket").with("WHICH=" + which));
      assertThat(Ground.waitFor(() -> !victim.labels().isEmpty())).as(victim.errors()).isTrue();
      assumeFalse(victim.labels().contains("none"), "missing: a kernel with " + which);

      assertThat(cycle.refuse(victim).stream().map(Obstacle::text).collect(Collectors.joining("\n"))).contains(name);

      victim.go("mapped");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }
}
