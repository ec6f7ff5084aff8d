package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import stasis.testkit.Launcher;
import stasis.testkit.Victim;

/// The victim of every kind of task and thread group: it passes by itself, and it passes carried.
class TaskKindsTest {
  private static final Path KINDS = Path.of("..", "kinds", "src", "test", "java", "stasis", "kinds");

  static List<String> victims() throws IOException {
    try (Stream<Path> files = Files.walk(KINDS)) {
      return files.filter(file -> file.toString().endsWith("_victim.c"))
          .map(file -> KINDS.relativize(file.getParent()).toString())
          .filter(name -> name.startsWith("task/") || name.startsWith("group/") || name.startsWith("namespace/"))
          .sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("victims")
  void aVictimPassesByItselfAndCarried(String kind, @TempDir Path work) {
    assumeTrue(isRoot(), "needs root");
    String[] words = kind.split("/");
    var victims = new Victims();
    try (Launcher launcher = victims.launcher(work)) {
      Launcher.Program program = victims.ofKind(words[0], words[1]);
      assertThat(launcher.start(program).runThrough(Duration.ofSeconds(30))).isEqualTo(new Victim.Verdict.Passed());
      Carrier carrier = new Carrier(work);
      assertThat(carrier.carry(launcher.start(program))).as(carrier.refusals().toString())
          .isEqualTo(new Victim.Verdict.Passed());
    }
  }

  private static boolean isRoot() {
    return stasis.linux.sys.Syscalls.call(stasis.linux.abi.Nr.GETEUID) == 0;
  }
}
