package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;
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

  @Test
  void aNamedQueueThatIsGoneIsMadeAgainWithItsMessages(@TempDir Path work) {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    assumeTrue(new File("/sys/kernel/btf/vmlinux").canRead(), "needs CAP_BPF: what waits is read in the kernel");
    try (var cycle = new Cycle(new Victims(), work)) {
      Victim victim = cycle.start(new Victims().ofKind("file", "mqueue"));
      for (String label : List.of("threaded", "told")) {
        victim.awaitReady(label, Cycle.BOUND);
        victim.go(label);
      }
      victim.awaitReady("filled", Cycle.BOUND);
      Path image = cycle.newImage();
      cycle.stored(victim, image, false);
      cycle.bury(victim);
      try (Arena arena = Arena.ofConfined()) {
        assertThat(Syscalls.call(Nr.MQ_UNLINK, arena.allocateFrom("stasis." + victim.pid()).address())).isZero();
      }

      cycle.running(image);

      victim.go("filled");
      assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
      cycle.reap(victim.pid());
    }
  }
}
