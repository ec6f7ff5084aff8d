package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.live.Shell.Run;
import stasis.procfs.ProcException;
import stasis.testkit.Victim;

/// As [CyclesTest], by commands that a resident engine does: it does not grow. `-Dstasis.live.cycles.served=1000` for
/// other numbers of cycles; from [#ENOUGH] on it must be flat.
class ServedCyclesTest {
  private static final int FEW = 4;
  private static final int CYCLES = Integer.getInteger("stasis.live.cycles.served", FEW);
  private static final int ENOUGH = 100;
  private static final String LABEL = "all-wait";

  @Test
  void aServerDoesNotGrowByManyCycles(@TempDir Path work) throws IOException, InterruptedException, ProcException {
    Shell.assumeBuilt();
    assumeTrue("root".equals(System.getProperty("user.name")), "needs CAP_CHECKPOINT_RESTORE");
    Path doorway = work.resolve("serve");
    Shell line = ServeTest.shell(work.resolve("line"), doorway);
    Process server = ServeTest.shell(work.resolve("server"), doorway).start("serve", "--warm-up", "0");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work.resolve("cycle"))) {
      assertThat(Ground.waitFor(() -> Files.exists(doorway.resolve("serve.sock")))).isTrue();
      Victim victim = cycle.start(victims.general("threads"));
      victim.awaitReady(LABEL, Cycle.BOUND);
      String image = work.resolve("image").toString();
      List<ProcessSize> sizes = new ArrayList<>();
      int served = 0;
      for (int i = 0; i < CYCLES; i++) {
        assertThat(line.stasis("checkpoint", victim.pid().toString(), "--image", image, "--force", "--quiet"))
            .as("checkpoint %d", i).isEqualTo(new Run(0, "", ""));
        victim.awaitPidFree(Cycle.BOUND);
        assertThat(line.stasis("restore", image, "--detach", "--quiet")).as("restore %d", i)
            .isEqualTo(new Run(0, victim.pid() + "\n", ""));
        served += victim.task().status().ppid() == server.pid() ? 1 : 0;
        sizes.add(ProcessSize.of(server.pid()));
      }
      assertThat(served).as("restored by the server").isEqualTo(CYCLES);
      victim.go(LABEL);
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
      System.out.printf("%d cycles: server %s%n", CYCLES, ProcessSize.quarters(sizes));
      if (CYCLES >= ENOUGH) {
        ProcessSize.assertFlat(sizes);
      }
    } finally {
      Syscalls.call(Nr.KILL, server.pid(), 9);
      assertThat(server.waitFor(Shell.RUN_WITHIN_S, TimeUnit.SECONDS)).isTrue();
    }
  }
}
