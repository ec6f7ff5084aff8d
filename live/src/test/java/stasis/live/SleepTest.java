package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.Moment;
import stasis.engine.RestoreOutcome;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.procfs.ProcException;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Victim;

/// sleep(1) sleeps on for what was left of its time: no longer for having been away, and no shorter.
class SleepTest {
  private static final long LENGTH_NS = 3_000_000_000L;
  private static final long AWAY_NS = 1_000_000_000L;
  private static final long SLACK_NS = 50_000_000L;
  private static final int TRIES = 3;

  @Test
  void theTimeThatWasLeftIsSlept(@TempDir Path work) throws ProcException {
    var victims = new Victims();
    var said = new StringBuilder();
    for (int at = 0; at < TRIES; at++) {
      try (var cycle = new Cycle(victims, work.resolve("try-" + at))) {
        long slept = slept(cycle);
        said.append("slept ").append(slept / 1000).append(" us; ");
        // Of a busy machine, one quiet try is enough.
        if (Math.abs(slept - LENGTH_NS) <= SLACK_NS) {
          System.out.println("sleep of " + LENGTH_NS / 1000 + " us: " + said);
          return;
        }
      }
    }
    throw new AssertionError("not " + LENGTH_NS / 1000 + " us: " + said);
  }

  /// How long it slept in all, without the time it was away.
  private static long slept(Cycle cycle) throws ProcException {
    Victim victim = cycle.start(Program.of(Path.of("/bin/sleep"), Long.toString(LENGTH_NS / 1_000_000_000)));
    long began = asleepSince(victim);
    pause(LENGTH_NS / 3);
    var frozen = new AtomicLong();
    var released = new AtomicLong();
    Path image = cycle.newImage();
    CheckpointOutcome outcome = cycle.checkpoint(victim, image, false, moment -> {
      if (moment instanceof Moment.Frozen) {
        frozen.set(System.nanoTime());
      }
    });
    assertThat(outcome).as(() -> Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
    cycle.bury(victim);
    pause(AWAY_NS);
    RestoreOutcome restored = cycle.restore(image, moment -> {
      if (moment instanceof Moment.Released) {
        released.set(System.nanoTime());
      }
    });
    assertThat(restored).as(() -> Cycle.text(restored)).isInstanceOf(RestoreOutcome.Running.class);
    assertThat(Syscalls.call(Nr.WAIT4, victim.pid().value(), 0, 0, 0)).isEqualTo(victim.pid().value());
    return System.nanoTime() - began - (released.get() - frozen.get());
  }

  private static long asleepSince(Victim victim) throws ProcException {
    String call = Long.toString(Nr.CLOCK_NANOSLEEP.on(Syscalls.HOST));
    while (!victim.task().text("syscall").startsWith(call + " ")) {
      Thread.onSpinWait();
    }
    return System.nanoTime();
  }

  private static void pause(long lengthNs) {
    long end = System.nanoTime() + lengthNs;
    while (System.nanoTime() < end) {
      java.util.concurrent.locks.LockSupport.parkNanos(end - System.nanoTime());
    }
  }
}
