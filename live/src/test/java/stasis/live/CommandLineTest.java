package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.live.Shell.Run;

/// The verbs as a script sees them: `bin/stasis`, its exit statuses, its output, its signals. Run as root, because what
/// is told of pids here holds where pids can be chosen.
final class CommandLineTest {
  private static final long RUN_WITHIN_S = Shell.RUN_WITHIN_S;

  private final List<Long> started = new ArrayList<>();
  @TempDir private Path folder = Path.of("");

  @BeforeEach
  void theBuildIsThere() {
    Shell.assumeBuilt();
    assumeTrue("root".equals(System.getProperty("user.name")), "needs CAP_CHECKPOINT_RESTORE");
  }

  /// A restored program has the pid of the one it was.
  @AfterEach
  void nothingIsLeft() {
    started.forEach(CommandLineTest::kill);
  }

  @Test
  void aProgramEndsAtItsCheckpointAndItsStatusIsThatOfTheRestore() throws IOException, InterruptedException {
    long pid = sleeper("perl", "-e", "$end = time + 4; select undef, undef, undef, 0.1 while time < $end; exit 7");

    Run checkpoint = stasis("checkpoint", "" + pid, "--image", image(), "--json");
    Run inspect = stasis("inspect", image());
    Run restore = stasis("restore", image(), "--quiet");

    assertThat(checkpoint.status()).as(checkpoint.err()).isZero();
    assertThat(checkpoint.out()).contains("\"outcome\": \"done\"", "\"frozen_ms\"", "\"losses\"");
    assertThat(inspect.out()).contains("perl");
    assertThat(restore.status()).as(restore.err()).isEqualTo(7);
    assertThat(Files.exists(Path.of("/proc/" + pid))).isFalse();
  }

  @Test
  void signalsToAnAttachedRestoreAreTheProgramsOwn() throws IOException, InterruptedException {
    long pid = sleeper("sleep", "300");
    assertThat(stasis("checkpoint", "" + pid, "--image", image(), "--quiet").status()).isZero();

    Process restore = start("restore", image(), "--pidfile", folder.resolve("pid").toString());
    await(folder.resolve("pid"));
    // exec made the launcher the JVM: its pid is the one to signal.
    ProcessHandle.of(restore.pid()).orElseThrow().destroy();

    assertThat(restore.waitFor(RUN_WITHIN_S, TimeUnit.SECONDS)).isTrue();
    assertThat(restore.exitValue()).as("128 and SIGTERM").isEqualTo(143);
    assertThat(Files.exists(Path.of("/proc/" + pid))).isFalse();
  }

  @Test
  void aDetachedRestorePrintsThePidOfWhatRunsOn() throws IOException, InterruptedException {
    long pid = sleeper("sleep", "300");
    assertThat(stasis("checkpoint", "" + pid, "--image", image(), "--quiet").status()).isZero();

    Run restore = stasis("restore", image(), "--detach", "--quiet");

    assertThat(restore).isEqualTo(new Run(0, pid + "\n", ""));
    assertThat(Files.readString(Path.of("/proc/" + pid + "/comm"))).isEqualTo("sleep\n");
  }

  @Test
  void aTakenFolderIsRefusedUnlessForced() throws IOException, InterruptedException {
    long pid = sleeper("sleep", "300");
    assertThat(stasis("checkpoint", "" + pid, "--image", image(), "--leave-running", "--quiet").status()).isZero();

    Run again = stasis("checkpoint", "" + pid, "--image", image(), "--leave-running");
    Run forced = stasis("checkpoint", "" + pid, "--image", image(), "--leave-running", "--force", "--quiet");

    assertThat(again.status()).isEqualTo(3);
    assertThat(again.err()).contains("already holds an image", "--force");
    assertThat(forced.status()).as(forced.err()).isZero();
    assertThat(Files.readString(Path.of("/proc/" + pid + "/comm"))).isEqualTo("sleep\n");
  }

  @Test
  void aProgramThatIsNotThereIsAFailureAndARestoreOfNothing125() throws IOException, InterruptedException {
    Run checkpoint = stasis("checkpoint", "999999", "--image", image());
    Run restore = stasis("restore", folder.resolve("nothing").toString());

    assertThat(checkpoint.status()).isIn(3, 4);
    assertThat(checkpoint.err()).isNotEmpty().doesNotContain("\tat ");
    assertThat(Files.exists(folder.resolve("image"))).isFalse();
    assertThat(restore.status()).isEqualTo(125);
    assertThat(restore.err().lines()).hasSize(1);
  }

  @Test
  void aRestoreWhosePidsAreTakenIsRefusedWithEveryHolderNamed() throws IOException, InterruptedException {
    long pid = sleeper("sh", "-c", "sleep 300 & wait");
    Path children = Path.of("/proc/" + pid + "/task/" + pid + "/children");
    while (Files.readString(children).isBlank()) {
      Thread.sleep(10);
    }
    String child = Files.readString(children).strip();
    assertThat(stasis("checkpoint", "" + pid, "--image", image(), "--leave-running", "--quiet").status()).isZero();
    started.add(Long.parseLong(child));

    Run restore = stasis("restore", image());

    assertThat(restore.status()).as(restore.err()).isEqualTo(126);
    assertThat(restore.err()).contains("taken by " + pid + " (sh", "taken by " + child + " (sleep");
    assertThat(Files.readString(Path.of("/proc/" + pid + "/comm"))).isEqualTo("sh\n");
    assertThat(Files.readString(Path.of("/proc/" + child + "/comm"))).isEqualTo("sleep\n");
  }

  @Test
  void whetherAHostCanRestoreIsSaidBeforeAndByItsReport() throws IOException, InterruptedException {
    Path input = Files.writeString(folder.resolve("input"), "whole");
    long pid = sleeper("sh", "-c", "exec 5< " + input + "; exec sleep 300");
    String questions = folder.resolve("questions.json").toString();
    String host = folder.resolve("host.json").toString();
    while (!Files.readString(Path.of("/proc/" + pid + "/comm")).equals("sleep\n")) {
      Thread.sleep(10);
    }
    assertThat(stasis("checkpoint", "" + pid, "--image", image(), "--leave-running", "--quiet").status()).isZero();

    Run taken = stasis("can-restore", image());
    kill(pid);
    while (Files.exists(Path.of("/proc/" + pid))) {
      Thread.sleep(10);
    }
    Run free = stasis("can-restore", image(), "--json=" + questions);
    Run doctor = stasis("doctor", "--answer", questions, "--json=" + host);
    Files.writeString(input, "changed");
    Run there = stasis("can-restore", image(), "--host", host);
    Run here = stasis("can-restore", image());

    assertThat(taken.status()).isEqualTo(3);
    assertThat(taken.err()).contains("taken by " + pid + " (sleep");
    assertThat(free).isEqualTo(new Run(0, "yes\n", ""));
    assertThat(doctor.status()).as(doctor.err()).isZero();
    assertThat(there).isEqualTo(new Run(0, "yes\n", ""));
    assertThat(here.status()).isEqualTo(3);
    assertThat(here.err()).contains("no, 1 obstacle", input + "", "expected 5 bytes, found 7 bytes");
    assertThat(stasis("inspect", image(), "needs").out()).contains(input + "", "" + pid, "CRC32C");
  }

  @Test
  void anInterruptCancelsTheDemoAndItsProgram() throws IOException, InterruptedException {
    Process demo = start("demo", "--program", "python3", "--size", "100000");
    await(folder.resolve("tmp"), "stasis-demo");
    // The folder is made before the program starts; let it compute.
    Thread.sleep(500);

    ProcessHandle.of(demo.pid()).orElseThrow().destroy();

    assertThat(demo.waitFor(RUN_WITHIN_S, TimeUnit.SECONDS)).isTrue();
    assertThat(demo.exitValue()).isEqualTo(130);
    assertThat(folder.resolve("tmp")).isEmptyDirectory();
  }

  @Test
  void anInterruptedCheckpointIs130AndLeavesItsProgramAlone() throws IOException, InterruptedException {
    long pid = sleeper("perl", "-e", "$all = 'x' x 200_000_000; sleep 300");
    Process checkpoint = start("checkpoint", "" + pid, "--image", image());
    await(folder, "image");

    ProcessHandle.of(checkpoint.pid()).orElseThrow().destroy();

    assertThat(checkpoint.waitFor(RUN_WITHIN_S, TimeUnit.SECONDS)).isTrue();
    assertThat(checkpoint.exitValue()).as(Files.readString(folder.resolve("err"))).isEqualTo(130);
    assertThat(folder.resolve("image")).doesNotExist();
    assertThat(Files.readString(Path.of("/proc/" + pid + "/status"))).contains("TracerPid:\t0").contains("(sleeping)");
  }

  private String image() {
    return folder.resolve("image").toString();
  }

  /// A session of its own with nothing of ours open; its parent is a shell that waits, so its pid is free at its end.
  private long sleeper(String... command) throws IOException {
    List<String> line = new ArrayList<>(List.of("sh", "-c",
        "setsid \"$@\" < /dev/null > /dev/null 2>&1 & echo $!; exec > /dev/null; wait $!", "sleeper"));
    line.addAll(List.of(command));
    Process shell = new ProcessBuilder(line).redirectInput(Path.of("/dev/null").toFile()).start();
    long pid = Long.parseLong(shell.inputReader().readLine());
    started.add(pid);
    return pid;
  }

  private Run stasis(String... arguments) throws IOException, InterruptedException {
    return new Shell(folder).stasis(arguments);
  }

  private Process start(String... arguments) throws IOException {
    return new Shell(folder).start(arguments);
  }

  private static void await(Path file) throws InterruptedException {
    for (long i = 0; i < RUN_WITHIN_S * 20 && !Files.exists(file); i++) {
      Thread.sleep(50);
    }
    assertThat(file).exists();
  }

  private static void await(Path parent, String prefix) throws IOException, InterruptedException {
    for (long i = 0; i < RUN_WITHIN_S * 20; i++) {
      try (var files = Files.newDirectoryStream(parent, prefix + "*")) {
        if (files.iterator().hasNext()) {
          return;
        }
      }
      Thread.sleep(50);
    }
    throw new AssertionError("nothing like " + prefix + " appeared in " + parent);
  }

  private static void kill(long pid) {
    ProcessHandle.of(pid).ifPresent(ProcessHandle::destroyForcibly);
  }
}
