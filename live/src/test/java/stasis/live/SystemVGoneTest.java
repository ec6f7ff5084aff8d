package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// Semaphores and message queues that are gone when the program comes back, as after a boot of the host.
class SystemVGoneTest {
  private static final int IPC_RMID = 0;

  @Test
  void whatIsGoneIsMadeAgainWithItsContents(@TempDir Path work) {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    try (var cycle = new Cycle(new Victims(), work)) {
      Victim victim = cycle.start(new Victims().ofKind("group", "sysv"));
      victim.awaitReady("used", Cycle.BOUND);
      Path image = cycle.newImage();
      cycle.stored(victim, image, false);
      cycle.bury(victim);
      long set = Syscalls.call(Nr.SEMGET, 0x53000000 | victim.pid().value(), 0, 0);
      long queue = Syscalls.call(Nr.MSGGET, 0x54000000 | victim.pid().value(), 0);
      assertThat(Syscalls.call(Nr.SEMCTL, set, 0, IPC_RMID, 0)).isZero();
      assertThat(Syscalls.call(Nr.MSGCTL, queue, IPC_RMID, 0)).isZero();

      cycle.running(image);

      victim.go("used");
      assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
      cycle.reap(victim.pid());
    }
  }
}
