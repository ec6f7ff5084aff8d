package stasis.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import stasis.linux.abi.Tid;

/// A program the demo has started: leader of a session of its own, output in a file, parent a shell that waits for it.
/// The shell stands between because a JVM reaps its own children on a thread that would eat a tracer's stops.
///
/// Closing ends the program if it still runs.
final class DemoTarget implements AutoCloseable {
  private static final String SCRIPT =
      "out=$1; shift; setsid \"$@\" < /dev/null > \"$out\" 2> /dev/null & echo $!; exec > /dev/null; wait $!";

  private static final long REAPED_WITHIN_MS = 5_000;

  private final Process shell;
  private final Tid pid;

  private DemoTarget(Process shell, Tid pid) {
    this.shell = shell;
    this.pid = pid;
  }

  /// @param output created empty before the program runs
  static DemoTarget start(List<String> command, Path folder, Path output) throws IOException {
    Files.write(output, new byte[0]);
    List<String> line = new ArrayList<>(List.of("sh", "-c", SCRIPT, "demo", output.toString()));
    line.addAll(command);
    Process shell = new ProcessBuilder(line).directory(folder.toFile())
        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
        .redirectError(ProcessBuilder.Redirect.DISCARD).start();
    BufferedReader reader = shell.inputReader(StandardCharsets.US_ASCII);
    String first = reader.readLine();
    if (first == null) {
      throw new IOException("the shell that was to start " + command.getFirst() + " has ended");
    }
    return new DemoTarget(shell, new Tid(Integer.parseInt(first.strip())));
  }

  Tid pid() {
    return pid;
  }

  boolean running() {
    return shell.isAlive();
  }

  /// Waits for the end of the program. @return its status as the shell tells it; empty past the deadline
  OptionalInt await(long timeoutMs) throws InterruptedException {
    return shell.waitFor(timeoutMs, TimeUnit.MILLISECONDS) ? OptionalInt.of(shell.exitValue()) : OptionalInt.empty();
  }

  /// Whether anything has this pid.
  static boolean exists(Tid pid) {
    return Files.exists(Path.of("/proc/" + pid.value()));
  }

  @Override
  public void close() {
    if (shell.isAlive()) {
      // The shell has not seen the end of its child, so the pid is still that child's.
      ProcessHandle.of(pid.value()).ifPresent(ProcessHandle::destroyForcibly);
      try {
        // Its shell reaps it; killed first, it would leave that to init.
        shell.waitFor(REAPED_WITHIN_MS, TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      shell.destroyForcibly();
    }
  }
}
