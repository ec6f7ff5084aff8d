package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.Moment;
import stasis.linux.abi.Nr;
import stasis.linux.sys.Syscalls;
import stasis.procfs.ProcException;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// A program of many threads that SIGSTOP stopped comes back stopped, and goes on at SIGCONT.
class StoppedTest {
  /// Of the victim, the first one included.
  private static final int THREADS = 7;
  private static final int SIGCONT = 18;
  private static final int SIGSTOP = 19;

  @Test
  void aStoppedProgramComesBackStopped(@TempDir Path work) {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.general("threads"));
      victim.awaitReady("all-wait", Cycle.BOUND);
      assertThat(stop(victim)).isTrue();
      cycle.carryCopy(victim);
      cycle.carry(victim);
      assertThat(threadsStand(victim)).isTrue();
      cont(victim);
      victim.go("all-wait");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  /// A stop is the whole group's, and a freeze may come between its threads: whichever of them has stopped by then, the
  /// program comes back stopped.
  @Test
  void aProgramThatIsJustBeingStoppedComesBackStopped(@TempDir Path work) {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.general("threads"));
      victim.awaitReady("all-wait", Cycle.BOUND);
      for (int before = 1; before <= THREADS; before++) {
        int thread = before;
        var seized = new AtomicInteger();
        Path image = cycle.newImage();
        CheckpointOutcome outcome = cycle.checkpoint(victim, image, false, moment -> {
          if (moment instanceof Moment.At(String step) && step.equals("freeze.seized")
              && seized.incrementAndGet() == thread) {
            Syscalls.call(Nr.KILL, victim.pid().value(), SIGSTOP);
          }
        });
        assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
        assertThat(seized).hasValueGreaterThanOrEqualTo(thread);
        cycle.bury(victim);
        cycle.running(image);
        assertThat(Ground.waitFor(() -> threadsStand(victim))).as("stopped after thread %d", thread).isTrue();
        cont(victim);
        assertThat(Ground.waitFor(() -> !threadsStand(victim))).isTrue();
      }
      victim.go("all-wait");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  /// SIGSTOP, and the stop awaited; false when the program ended before.
  static boolean stop(Victim victim) {
    Syscalls.call(Nr.KILL, victim.pid().value(), SIGSTOP);
    return Ground.waitFor(() -> !victim.isAlive() || threadsStand(victim)) && victim.isAlive();
  }

  static void cont(Victim victim) {
    Syscalls.call(Nr.KILL, victim.pid().value(), SIGCONT);
  }

  static boolean threadsStand(Victim victim) {
    try {
      for (var tid : victim.task().threads()) {
        if (victim.task().thread(tid).stat().state() != 'T') {
          return false;
        }
      }
      return true;
    } catch (ProcException e) {
      return false;
    }
  }
}
