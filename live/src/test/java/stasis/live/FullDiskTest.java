package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stasis.testkit.Launcher.Program;
import stasis.testkit.Oracle;
import stasis.testkit.Victim;

/// A disk that is full, or that nothing may be written to: a small tmpfs in the target's own mount namespace, where the
/// engine works too. The checkpoint says so in a sentence, the target is untouched, and no file is left.
class FullDiskTest {
  private static final int MIB = 4;

  @ParameterizedTest
  @CsvSource({"size=4k,false", "size=64k,true", "size=1m,false", "size=1m,true", "ro,false", "ro,true"})
  void aDiskThatTakesNoImageLeavesTheTargetUntouched(String option, boolean leaveRunning, @TempDir Path work)
      throws IOException, InterruptedException {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    assumeTrue("root".equals(System.getProperty("user.name")), "needs CAP_SYS_ADMIN, to mount");
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/unshare")), "needs unshare");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(Program.of(Path.of("/usr/bin/unshare"), "--mount", "--propagation", "private",
          victims.program("still").program().toAbsolutePath().toString(), Integer.toString(MIB)));
      victim.awaitReady("large", Cycle.BOUND);
      Path disk = Files.createDirectories(work.resolve("disk"));
      run("nsenter", "--mount", "--target", victim.pid().toString(), "mount", "-t", "tmpfs", "-o", option, "small",
          disk.toString());
      Path before = cycle.oracle().snapshot(victim.pid());

      EngineProcess.End end = EngineProcess.checkpointThrough(
          List.of("nsenter", "--mount", "--target", victim.pid().toString()), victim.pid(), disk.resolve("image"),
          leaveRunning, work.resolve("log"));

      assertThat(end.words()).startsWith("Failed ").doesNotContain("\n")
          .contains(option.equals("ro") ? "read-only file system" : "the image needs 5 MiB");
      Ground.isUntouched(cycle, victim, before);
      try (Stream<Path> left = Files.list(Path.of("/proc/" + victim.pid() + "/root" + disk))) {
        assertThat(left).as("left on the disk").isEmpty();
      }
      victim.go("large");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  /// What was free when it was asked is gone when it is needed: a file may not grow past a limit.
  @ParameterizedTest
  @CsvSource({"4096,false", "100000,true", "3000000,false", "3000000,true"})
  void aFileThatCannotGrowLeavesTheTargetUntouched(long limitBytes, boolean leaveRunning, @TempDir Path work)
      throws IOException {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(Program.of(victims.program("still").program(), Integer.toString(MIB)));
      victim.awaitReady("large", Cycle.BOUND);
      Path before = cycle.oracle().snapshot(victim.pid());
      Path image = cycle.newImage();

      EngineProcess.End end = EngineProcess.checkpointThrough(List.of("prlimit", "--fsize=" + limitBytes), victim.pid(),
          image, leaveRunning, work.resolve("log"));

      assertThat(end.words()).startsWith("Failed ").doesNotContain("\n").contains("cannot write");
      Ground.isUntouched(cycle, victim, before);
      try (Stream<Path> left = Files.list(image.toAbsolutePath().getParent())) {
        assertThat(left).as("left beside it").isEmpty();
      }
      victim.go("large");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }

  private static void run(String... command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(List.of(command)).inheritIO().start();
    assertThat(process.waitFor()).as(String.join(" ", command)).isZero();
  }
}
