package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointOutcome;
import stasis.engine.CheckpointRequest;
import stasis.engine.Checkpointer;
import stasis.engine.LiveEnvironment;
import stasis.engine.RestoreOutcome;
import stasis.engine.RestoreRequest;
import stasis.engine.Restorer;
import stasis.kinds.Kinds;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.testkit.Oracle;

/// A program on a terminal whose master somebody outside has: it comes back on the terminal of who restores it.
class OutsideTerminalTest {
  private static final String PROGRAM = "while read line; do echo \"got $line\"; done";
  private static final long BOUND_SECONDS = 60;

  private static Process onATerminal(Path folder, String name, String line, String... command) throws IOException {
    var all = new ArrayList<>(List.of("python3", Path.of("src/test/resources/programs/terminal.py").toString(), line,
        "got " + line, folder.resolve(name).toString()));
    all.addAll(List.of(command));
    return new ProcessBuilder(all).redirectErrorStream(true)
        .redirectOutput(folder.resolve(name + ".out").toFile()).start();
  }

  /// A JVM starts in between, on a machine with much else to do.
  private static void awaitAnswer(Path folder, String name) throws IOException {
    Path out = folder.resolve(name + ".out");
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(BOUND_SECONDS);
    while (!Files.readString(out).contains("answered")) {
      assertThat(System.nanoTime()).as(Files.readString(out)).isLessThan(end);
      LockSupport.parkNanos(20_000_000);
    }
  }

  @Test
  void itTalksToTheTerminalOfItsRestorer(@TempDir Path folder) throws IOException, InterruptedException {
    assumeTrue(Oracle.isAvailable(), "needs python3");
    Process first = onATerminal(folder, "first", "one", "/bin/sh", "-c", PROGRAM);
    Process second = first;
    try {
      awaitAnswer(folder, "first");
      Tid program = new Tid(Integer.parseInt(Files.readString(folder.resolve("first"))));
      Path image = folder.resolve("image");
      CheckpointOutcome outcome = new Checkpointer(Kinds.all(), LiveEnvironment.of("test")).checkpoint(
          new CheckpointRequest(program, image, false, false, false, Optional.empty()), _ -> { });
      assertThat(outcome).as(Cycle.text(outcome)).isInstanceOf(CheckpointOutcome.Stored.class);
      assertThat(first.waitFor(BOUND_SECONDS, TimeUnit.SECONDS)).isTrue();

      second = onATerminal(folder, "second", "two", Path.of(System.getProperty("java.home"), "bin", "java").toString(),
          "-XX:TieredStopAtLevel=1", "--enable-native-access=ALL-UNNAMED", "-cp",
          System.getProperty("java.class.path"), OutsideTerminalTest.class.getName(), image.toString());

      awaitAnswer(folder, "second");
      assertThat(Files.readSymbolicLink(Path.of("/proc/" + program + "/fd/0")).toString()).startsWith("/dev/pts/");
      Syscalls.call(Nr.KILL, program.value(), 9);
      assertThat(second.waitFor(BOUND_SECONDS, TimeUnit.SECONDS)).isTrue();
    } finally {
      first.destroyForcibly();
      second.destroyForcibly();
    }
  }

  /// Restores an image and stays until the program ends.
  public static void main(String[] arguments) throws IOException {
    RestoreOutcome outcome = new Restorer(Kinds.all(), LiveEnvironment.of("test")).restore(
        new RestoreRequest(Path.of(arguments[0]), false), _ -> { });
    if (!(outcome instanceof RestoreOutcome.Running running)) {
      System.out.println(Cycle.text(outcome));
      System.exit(1);
      return;
    }
    Syscalls.call(Nr.WAIT4, running.root().value(), 0, 0, 0);
    System.exit(0);
  }
}
