package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import stasis.resource.Obstacle;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// A program that somebody else holds: a debugger, or a cgroup that is frozen. The checkpoint says who, at once; when
/// it is let go, the next one succeeds.
@Timeout(120)
class HeldElsewhereTest {
  private final Victims victims = new Victims();

  private Victim still(Cycle cycle) {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    Victim victim = cycle.start(Program.of(victims.program("still").program(), "1"));
    victim.awaitReady("large", Cycle.BOUND);
    return victim;
  }

  private static String refused(Cycle cycle, Victim victim) {
    return cycle.refuse(victim).stream().map(Obstacle::text).reduce("", (one, other) -> one + other + "\n");
  }

  private static void goesOn(Cycle cycle, Victim victim, Path before) {
    Ground.isUntouched(cycle, victim, before);
    cycle.stored(victim, cycle.newImage(), true);
    victim.go("large");
    assertThat(victim.verdict(Cycle.BOUND)).as(victim.errors()).isEqualTo(new Victim.Verdict.Passed());
  }

  @ParameterizedTest
  @ValueSource(strings = {"strace", "gdb"})
  void aDebuggerIsNamedByPidAndName(String name, @TempDir Path work) throws IOException, InterruptedException {
    Path program = Path.of("/usr/bin", name);
    assumeTrue(Files.isExecutable(program), "needs " + name);
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = still(cycle);
      Path before = cycle.oracle().snapshot(victim.pid());
      List<String> quietly = name.equals("gdb") ? List.of("-q", "-nx") : List.of();
      var command = new java.util.ArrayList<>(List.of(program.toString()));
      command.addAll(quietly);
      command.addAll(List.of("-p", victim.pid().toString()));
      Process debugger = new ProcessBuilder(command).redirectErrorStream(true)
          .redirectOutput(work.resolve("debugger").toFile()).start();
      try {
        assertThat(Ground.waitFor(() -> !Ground.stopped(victim.pid()).isEmpty())).as("the debugger is there").isTrue();

        assertThat(refused(cycle, victim)).contains("task " + victim.pid() + " is traced by " + debugger.pid() + " ("
            + name + ")", "detach that tracer first");
      } finally {
        if (name.equals("gdb")) {
          debugger.outputWriter().append("detach\nquit\n").close();
        } else {
          debugger.destroy();
        }
        if (!debugger.waitFor(30, TimeUnit.SECONDS)) {
          debugger.destroyForcibly();
        }
      }
      goesOn(cycle, victim, before);
    }
  }

  /// @param file by which it is frozen @param frozen @param thawed what is written there
  /// @param above whether a cgroup above the program's is frozen
  @ParameterizedTest
  @CsvSource({"cgroup.freeze,1,0,false", "cgroup.freeze,1,0,true", "freezer.state,FROZEN,THAWED,false",
      "freezer.state,FROZEN,THAWED,true"})
  void aFrozenCgroupIsNamed(String file, String frozen, String thawed, boolean above, @TempDir Path work)
      throws IOException {
    Path top = hierarchy(file).orElse(Path.of("/none"));
    assumeTrue(Files.isWritable(top.resolve("cgroup.procs")), "needs a hierarchy of cgroups with " + file);
    Path outer = top.resolve("stasis-test-" + ProcessHandle.current().pid());
    Path inner = outer.resolve("inner");
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = still(cycle);
      Path before = cycle.oracle().snapshot(victim.pid());
      Path home = Path.of(top + own(victim, file));
      Files.createDirectories(inner);
      try {
        Files.writeString(inner.resolve("cgroup.procs"), victim.pid().toString());
        Files.writeString((above ? outer : inner).resolve(file), frozen);

        assertThat(refused(cycle, victim)).contains("task " + victim.pid() + " (still) is in a frozen cgroup",
            "thaw the cgroup first", file);
      } finally {
        Files.writeString((above ? outer : inner).resolve(file), thawed);
        Files.writeString(home.resolve("cgroup.procs"), victim.pid().toString());
        Files.delete(inner);
        Files.delete(outer);
      }
      goesOn(cycle, victim, before);
    }
  }

  private static Optional<Path> hierarchy(String file) throws IOException {
    boolean unified = file.startsWith("cgroup");
    try (var mounts = Files.lines(Path.of("/proc/self/mountinfo"))) {
      return mounts.filter(line -> unified ? line.contains(" - cgroup2 ")
          : line.matches(".* - cgroup .*\\bfreezer\\b.*")).map(line -> Path.of(line.split(" ")[4])).findFirst();
    }
  }

  private static String own(Victim victim, String file) throws IOException {
    try (var lines = Files.lines(Path.of("/proc/" + victim.pid() + "/cgroup"))) {
      return lines.filter(line -> file.startsWith("cgroup") ? line.startsWith("0::") : line.contains(":freezer:"))
          .map(line -> line.split(":", 3)[2]).findFirst().orElseThrow();
    }
  }
}
