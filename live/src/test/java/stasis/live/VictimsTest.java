package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;
import stasis.resource.Obstacle;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// Every victim of the reactor: it passes by itself; it passes carried at each of its labels; and its copy, taken while
/// it runs on, passes in its place. At a label `refused` the checkpoint must be refused and the victim go on.
class VictimsTest {
  private static final Duration CONTROL = Duration.ofSeconds(30);
  private static final String REFUSED = "refused";
  /// A label that begins so names a mode of `docs/oracle-allowed.md`.
  private static final List<String> MODES = List.of("deleted", "nameless", "one-shot", "uring",
      "uring-worker", "login", "renamed", "own-ipc");
  /// They are looked at as trees, or differ by their purpose.
  private static final Set<String> NOT_CARRIED = Set.of("foster", "changes");

  @TestFactory
  Stream<DynamicTest> aVictimPasses(@TempDir Path work) throws IOException {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    var victims = new Victims();
    var known = new KnownFailures();
    String only = System.getProperty("stasis.live.victims", "");
    return victims.sources().stream().filter(source -> !NOT_CARRIED.contains(Victims.name(source)))
        .filter(source -> Victims.label(source).contains(only)).flatMap(source -> {
          String label = Victims.label(source);
          return Stream.of(
              test(known, label + " alone", name -> alone(victims, source, work.resolve(name))),
              test(known, label + " carried", name -> each(victims, source, work.resolve(name), Cycle::carry)),
              test(known, label + " copied", name -> each(victims, source, work.resolve(name), Cycle::carryCopy)));
        });
  }

  private static DynamicTest test(KnownFailures known, String name, Consumer<String> body) {
    return DynamicTest.dynamicTest(name, () -> known.run(name, () -> body.accept(name.replaceAll("[/ ]", "-"))));
  }

  private static void alone(Victims victims, Path source, Path work) {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.of(source));
      assertThat(victim.runThrough(CONTROL)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  private interface Act {
    void on(Cycle cycle, Victim victim, String... modes);
  }

  private static void each(Victims victims, Path source, Path work, Act act) {
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.of(source));
      Set<String> done = new HashSet<>();
      long end = System.nanoTime() + CONTROL.toNanos();
      Victim.Verdict verdict = victim.verdict(Duration.ZERO);
      while (verdict instanceof Victim.Verdict.Pending && System.nanoTime() < end) {
        Optional<String> label = victim.labels().stream().filter(name -> !done.contains(name)).findFirst();
        if (label.isPresent()) {
          done.add(label.get());
          at(cycle, victim, label.get(), act);
          victim.go(label.get());
          end = System.nanoTime() + CONTROL.toNanos();
        }
        verdict = victim.verdict(Duration.ZERO);
      }
      assertThat(verdict).as("stderr: %s", victim.errors()).isEqualTo(new Victim.Verdict.Passed());
      assertThat(done).isNotEmpty();
      cycle.reap(victim.pid());
    }
  }

  private static void at(Cycle cycle, Victim victim, String label, Act act) {
    if (label.equals(REFUSED)) {
      List<Obstacle> obstacles = cycle.refuse(victim);
      assertThat(obstacles).isNotEmpty();
    } else {
      try {
        act.on(cycle, victim, MODES.stream().filter(label::startsWith).toArray(String[]::new));
      } catch (AssertionError | IllegalStateException e) {
        throw new AssertionError("at '" + label + "': " + e.getMessage(), e);
      }
    }
  }
}
