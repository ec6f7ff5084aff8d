package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.live.FaultGate.Deed;
import stasis.live.FaultGate.Order;
import stasis.live.FaultRuns.Act;
import stasis.testkit.Oracle;

/// A program of several tasks, and an engine that gets SIGKILL when it has let go of some of them, or ended some: no
/// part of the program goes on alone. It checks itself, and every part of it that runs is seen to go on.
class AllOrNoneTest {
  private static final String SET_OPTIONS = "PTRACE/4200";
  private static final String DETACH = "PTRACE/11";
  private static final String END = "KILL";
  /// Threads and processes of the program.
  private static final int TASKS = 6;
  /// Threads of the one that is a single process.
  private static final int THREADS = 7;

  @TempDir
  private Path work;
  private final FaultTable table = new FaultTable();
  private SpareEngine engines;
  private FaultRuns runs;

  @BeforeEach
  void start() throws IOException {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    assumeTrue("root".equals(System.getProperty("user.name")), "needs root: programs come back at their pids");
    engines = new SpareEngine(work.resolve("engines"), 1);
  }

  private void of(String subject) {
    runs = new FaultRuns(FaultSubject.all().stream().filter(one -> one.name().equals(subject)).findFirst().orElseThrow(),
        new Victims(), work, table, engines);
  }

  @AfterEach
  void end() {
    if (engines != null) {
      if (runs != null) {
        runs.close();
      }
      engines.close();
    }
  }

  @Test
  void aRestoreThatIsKilledBetweenTwoTasksEndsAllOrLetsAllGoOn() {
    of("always");
    int options = runs.calls(Act.RESTORE, SET_OPTIONS);
    runs.run(Act.RESTORE, new Order(Deed.DIES_AFTER, SET_OPTIONS, options - TASKS, 0));
    assertThat(table.text()).contains("| 1 | 1 killed, gone |");
    int detaches = runs.calls(Act.RESTORE, DETACH);
    runs.run(Act.RESTORE, new Order(Deed.DIES_AFTER, DETACH, detaches - TASKS, 0));
    runs.run(Act.RESTORE, new Order(Deed.DIES_AFTER, DETACH, detaches - 2, 0));
    assertThat(table.text()).contains("| 3 | 1 killed, gone, 2 killed, runs |");
    runs.passes();
  }

  @Test
  void aCheckpointThatIsKilledBetweenTwoTasksEndsAll() {
    of("always");
    int options = runs.calls(Act.CHECKPOINT_AND_END, SET_OPTIONS);
    runs.run(Act.CHECKPOINT_AND_END, new Order(Deed.DIES_AFTER, SET_OPTIONS, options - TASKS, 0));
    int ends = runs.calls(Act.CHECKPOINT_AND_END, END);
    runs.run(Act.CHECKPOINT_AND_END, new Order(Deed.DIES_AFTER, END, ends - 2, 0));
    assertThat(table.text()).contains("killed, gone").doesNotContain("runs |\n");
    runs.passes();
  }

  /// Of one process nobody stands by: the kernel ends it as a whole, or lets all of it go.
  @Test
  void ofOneProcessWhoseRestoreIsKilledBetweenTwoThreadsAllAreGoneOrAllRun() {
    of("threads");
    int options = runs.calls(Act.RESTORE, SET_OPTIONS);
    runs.run(Act.RESTORE, new Order(Deed.DIES_AFTER, SET_OPTIONS, options - THREADS, 0));
    runs.run(Act.RESTORE, new Order(Deed.DIES_BEFORE, SET_OPTIONS, options - 1, 0));
    assertThat(table.text()).contains("after a call | 1 | 1 killed, gone |", "before a call | 1 | 1 killed, gone |");
    runs.run(Act.RESTORE, new Order(Deed.DIES_AFTER, SET_OPTIONS, options - 1, 0));
    int detaches = runs.calls(Act.RESTORE, DETACH);
    runs.run(Act.RESTORE, new Order(Deed.DIES_AFTER, DETACH, detaches - THREADS, 0));
    runs.run(Act.RESTORE, new Order(Deed.DIES_AFTER, DETACH, detaches - 2, 0));
    assertThat(table.text()).contains("after a call | 4 | 1 killed, gone, 3 killed, runs |");
    runs.passes();
  }
}
