package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// One engine that ends a program and brings it back, again and again: neither it nor the program grows.
/// `-Dstasis.live.cycles=1000` for other numbers of cycles, `-Dstasis.live.cycles.on=NAME` for another program than one
/// that stands still: any of the fault sweep's.
class CyclesTest {
  private static final int FEW = 10;
  private static final String ON = System.getProperty("stasis.live.cycles.on", "threads");
  private static final int CYCLES = Integer.getInteger("stasis.live.cycles", FEW);
  /// From so many on it is growth and not what an engine learns at first.
  private static final int ENOUGH = 200;
  private static final int LOOK_EVERY = CYCLES < ENOUGH ? 1 : 5;

  @Test
  void neitherTheEngineNorTheProgramGrowsByManyCycles(@TempDir Path work) throws IOException {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    var victims = new Victims();
    FaultSubject subject = FaultSubject.all().stream().filter(one -> one.name().equals(ON)).findFirst().orElseThrow();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(subject.program().apply(victims));
      victim.awaitReady(subject.label(), Cycle.BOUND);
      Path before = cycle.oracle().snapshot(victim.pid());
      Ground.Stray ground = Ground.Stray.now();
      Set<Long> children = Ground.children();
      var engine = new ArrayList<ProcessSize>();
      var program = new ArrayList<ProcessSize>();
      for (int i = 1; i <= CYCLES; i++) {
        Path image = cycle.newImage();
        cycle.stored(victim, image, false);
        cycle.bury(victim);
        cycle.running(image);
        Files.delete(image.resolve("statefile"));
        List<Long> rounds = subject.rounds(victim);
        assertThat(Ground.waitFor(() -> subject.haveGoneOn(victim, rounds))).as("after cycle %d: %s", i, victim.lines())
            .isTrue();
        if (i % LOOK_EVERY == 0) {
          engine.add(ProcessSize.ofThis());
          program.add(ProcessSize.of(victim.pid().value()));
        }
      }
      if (subject.waits()) {
        cycle.agree(before, cycle.oracle().snapshot(victim.pid()));
      }
      victim.go(subject.label());
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
      cycle.reap(victim.pid());
      Ground.noNewChildren(children);
      ground.isAsItWas();
      System.out.printf("%d cycles: engine %s%n  program %s%n", CYCLES, ProcessSize.quarters(engine),
          ProcessSize.quarters(program));
      if (CYCLES >= ENOUGH) {
        ProcessSize.assertFlat(engine);
        ProcessSize.assertFlat(program);
      }
    }
  }
}
