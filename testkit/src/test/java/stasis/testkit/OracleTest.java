package stasis.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The oracle must be able to fail: each sort of change is made for real and has to be found, and nothing else with it.
class OracleTest {
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final String SMALL = "(stat/(vsize|num_threads)|threads/\\d+/(status/(Vm(Size|Data|Lck)|Threads)|"
      + "stat/(vsize|num_threads)))";

  @TempDir private Path work = Path.of("");
  private final VictimCompiler compiler = new VictimCompiler(Path.of("victims"), Path.of("target/victims"));

  private static Map<String, List<String>> expected() throws IOException {
    var map = new LinkedHashMap<String, List<String>>();
    String label = "";
    for (String line : Files.readAllLines(Path.of("src/test/resources/stasis/testkit/changes.expected"))) {
      if (line.startsWith("  ")) {
        map.computeIfAbsent(label, _ -> new ArrayList<>()).add(line.strip());
      } else if (!line.startsWith("#")) {
        label = line;
      }
    }
    return map;
  }

  @BeforeEach
  void needs() {
    assumeTrue(VictimCompiler.isAvailable(), "gcc");
    assumeTrue(Oracle.isAvailable(), "python3");
  }

  private Oracle oracle() {
    return new Oracle(Path.of(".."), work);
  }

  private Victim start(Launcher launcher, String name) {
    return launcher.start(Launcher.Program.of(compiler.compile(Path.of("victims", name + ".c"))));
  }

  @Test
  void everyChangeIsFoundAndNothingBesideIt() throws IOException {
    Map<String, List<String>> expected = expected();
    var labels = new ArrayList<String>();
    var looks = new ArrayList<Path>();
    Oracle oracle = oracle();
    int pid;
    try (Launcher launcher = new Launcher(work, compiler)) {
      Victim victim = start(launcher, "changes");
      victim.awaitReady("start", SOON);
      pid = victim.pid().value();
      for (List<String> at = List.of("start"); !at.isEmpty(); at = victim.awaitNext(labels.getLast(), SOON)) {
        labels.add(at.getFirst());
        looks.add(oracle.snapshot(victim.pid(), "--memory"));
        victim.go(labels.getLast());
      }
      assertThat(victim.verdict(SOON)).isEqualTo(new Victim.Verdict.Passed());
    }
    List<Oracle.Comparison> comparisons = oracle.compareEach(looks);
    var faults = new ArrayList<String>();
    for (int step = 1; step < labels.size(); step++) {
      String label = labels.get(step);
      assertThat(expected).containsKey(label);
      check(label, comparisons.get(step - 1), pid, expected.getOrDefault(label, List.of()), faults);
    }
    assertThat(faults).isEmpty();
    assertThat(labels).hasSizeGreaterThan(expected.size() - 4); // an ordinary user may not change four of them
  }

  private Oracle oracle(String label) {
    Path folder = work.resolve("looks").resolve(label);
    assertThat(folder.toFile().mkdirs() || Files.isDirectory(folder)).isTrue();
    return new Oracle(Path.of(".."), folder);
  }

  private static void check(
      String label, Oracle.Comparison comparison, int pid, List<String> patterns, List<String> faults) {
    List<String> paths = comparison.differences().stream()
        .map(path -> path.replaceFirst("^groups/" + pid + "/", ""))
        // a program that runs from one wait to the next has other words on its stack, and its linker's in its data
        .filter(path -> label.equals("content") || !path.startsWith("memory/")).toList();
    if (paths.stream().noneMatch(path -> path.matches(patterns.getFirst()))) {
      faults.add(label + " was not found: " + comparison.lines());
    }
    paths.stream().filter(path -> !path.startsWith("memory/") && !path.matches(SMALL)
            && patterns.stream().noneMatch(path::matches))
        .forEach(path -> faults.add(label + " changed " + path));
  }

  @Test
  void twoLooksAtAWaitingProgramAgree() {
    try (Launcher launcher = new Launcher(work, compiler)) {
      Victim victim = start(launcher, "threads");
      victim.awaitReady("all-wait", SOON);
      Path before = oracle().snapshot(victim.pid());
      Oracle later = oracle("later");
      Oracle.Comparison comparison = later.compare(before, later.snapshot(victim.pid()));
      assertThat(comparison.differences()).isEmpty();
      assertThat(comparison.agrees()).isTrue();
      assertThat(comparison.lines().getLast()).matches("\\d{4,} facts before, .* 0 different and not allowed");
    }
  }

  @Test
  void aStoppedTaskIsFoundWhateverElseAgrees() throws Exception {
    try (Launcher launcher = new Launcher(work, compiler)) {
      Victim victim = start(launcher, "threads");
      victim.awaitReady("all-wait", SOON);
      Path before = oracle().snapshot(victim.pid());
      assertThat(new ProcessBuilder("kill", "-STOP", victim.pid().toString()).start().waitFor()).isZero();
      while (!victim.threadStates().matches("T+")) {
        Thread.sleep(5);
      }
      Oracle later = oracle("later");
      assertThat(later.compare(before, later.snapshot(victim.pid())).differences())
          .contains("groups/" + victim.pid() + "/threads/" + victim.pid() + "/status/State");
    }
  }

  @Test
  void aNewNumberOfAPipeIsNoDifferenceButALostSharingIs() throws Exception {
    try (Launcher launcher = new Launcher(work, compiler)) {
      Path source = Files.writeString(work.resolve("pipes.c"), """
          #include "victim.h"
          int main(void) {
            victim_start();
            int a[2], b[2];
            check(pipe(a) == 0 && pipe(b) == 0);
            ready("piped");
            pass();
          }
          """);
      Victim victim = launcher.start(Launcher.Program.of(compiler.compile(source)));
      victim.awaitReady("piped", SOON);
      Path before = oracle().snapshot(victim.pid());
      String text = Files.readString(before);
      String first = number(victim, 3);
      String second = number(victim, 5);
      Path renumbered =
          Files.writeString(work.resolve("renumbered.json"), text.replaceAll("\\b" + first + "\\b", "777"));
      assertThat(oracle().compare(before, renumbered).differences()).isEmpty();
      Path joined = Files.writeString(work.resolve("joined.json"), text.replaceAll("\\b" + first + "\\b", second));
      assertThat(oracle().compare(before, joined).differences())
          .contains("groups/" + victim.pid() + "/fds/5/stat/ino", "groups/" + victim.pid() + "/fds/5/fdinfo/ino");
    }
  }

  private static String number(Victim victim, int fd) throws Exception {
    return victim.task().fdLink(new stasis.linux.abi.Fd(fd)).target().toString().replaceAll("\\D", "");
  }

  @Test
  void aModeThatIsNotOnTheListIsRefused() {
    try (Launcher launcher = new Launcher(work, compiler)) {
      Victim victim = start(launcher, "signals");
      victim.awaitReady("pending", SOON);
      Path look = oracle().snapshot(victim.pid());
      assertThatThrownBy(() -> oracle().compare(look, look, "whatever")).hasMessageContaining("no such mode: whatever");
    }
  }
}
