package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.testkit.Oracle;

/// Programs that check themselves without end, and an engine to which something happens: one of its calls fails, is late,
/// or is the last of its process; it fails between two of its steps. Afterwards the program runs on as if nothing had
/// been, or is stored whole and gone; and nothing else is left.
///
/// Run `n` of a seed is always the same on one program. `-Dstasis.live.faults=10000` makes that many (else a few),
/// `-Dstasis.live.seed=SEED` and `-Dstasis.live.faults.first=N` address them, `-Dstasis.live.faults.on=NAME` takes one
/// program. The table goes to `target/fault-sweep.md`.
class FaultSweepTest {
  private static final int RUNS = Integer.getInteger("stasis.live.faults", 12);
  private static final int FIRST = Integer.getInteger("stasis.live.faults.first", 0);
  private static final String ON = System.getProperty("stasis.live.faults.on", "");
  private static final long SEED = Long.getLong("stasis.live.seed", System.nanoTime() & 0xffff);
  private static final int MOST_HARM = 10;
  private static final Path TABLE = Path.of("target", "fault-sweep.md");
  /// With few runs, so many programs: starting one takes longer than a run.
  private static final int FEW = 2;
  /// So many runs one behind the other are of one program; the others do not run meanwhile, and take no CPU from it.
  private static final int BLOCK = Math.min(50, Math.max(1, RUNS / FEW));

  @Test
  void whateverHappensToAnEngineItsProgramRunsOnOrIsStoredWhole(@TempDir Path work) throws IOException {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    assumeTrue("root".equals(System.getProperty("user.name")), "needs root: programs come back at their pids");
    System.out.println("fault sweep seed " + SEED);
    var victims = new Victims();
    List<FaultSubject> subjects = subjects();
    var table = new FaultTable();
    var harm = new ArrayList<String>();
    Optional<FaultRuns> runs = Optional.empty();
    try (var spare = new SpareEngine(work.resolve("engines"), RUNS / 2)) {
      for (int run = FIRST; run < FIRST + RUNS && harm.size() < MOST_HARM; run++) {
        FaultSubject subject = subjects.get(run / BLOCK % subjects.size());
        boolean last = run % BLOCK == BLOCK - 1;
        boolean well = false;
        try {
          if (runs.isEmpty()) {
            Path folder = work.resolve(subject.name() + run);
            runs = Optional.of(new FaultRuns(subject, victims, folder, table, spare));
          }
          runs.get().run(new Random(SEED * 1_000_003 + run));
          if (last) {
            runs.get().passes();
          }
          well = true;
        } catch (AssertionError | RuntimeException e) {
          harm.add("run " + run + " of seed " + SEED + ", " + subject.name() + ", "
              + runs.map(FaultRuns::latest).orElse("at its start") + ", " + where(e) + ": " + e);
          System.out.println("HARM " + harm.getLast());
        }
        if (last || !well) {
          runs.ifPresent(FaultRuns::close);
          runs = Optional.empty();
        }
        if (last) {
          Files.writeString(TABLE, table.text());
        }
      }
      runs.ifPresent(FaultRuns::passes);
    } finally {
      runs.ifPresent(FaultRuns::close);
    }
    System.out.println(table.runs() + " runs\n" + table.text());
    Files.writeString(TABLE, table.text());
    assertThat(harm).isEmpty();
  }

  /// Before the program was brought back, or after.
  private static String where(Throwable failure) {
    return Stream.of(failure.getStackTrace()).filter(frame -> frame.getClassName().equals(FaultRuns.class.getName()))
        .map(frame -> frame.getMethodName() + " line " + frame.getLineNumber()).collect(Collectors.joining(" < "));
  }

  private static List<FaultSubject> subjects() {
    List<FaultSubject> here = new ArrayList<>(FaultSubject.all().stream().filter(FaultSubject::isHere)
        .filter(subject -> subject.name().contains(ON)).toList());
    if (RUNS >= 1000 || !ON.isEmpty()) {
      return here;
    }
    // The first of all, and one more.
    var few = new ArrayList<>(List.of(here.removeFirst()));
    java.util.Collections.shuffle(here, new Random(SEED));
    few.addAll(here.subList(0, Math.min(FEW - 1, here.size())));
    return few;
  }
}
