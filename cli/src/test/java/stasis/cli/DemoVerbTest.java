package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.cli.Engine.Checkpointed;
import stasis.cli.Engine.Outcome;
import stasis.cli.Engine.Restored;
import stasis.linux.abi.Tid;

final class DemoVerbTest {
  @Test
  void aProgramThatComesBackRightIsDone() {
    assumeTrue(DemoProgram.python3.installed(), "needs python3");

    CommandLineRun run = CommandLineRun.of(new RerunEngine(""), "demo", "--program", "python3", "--size", "2000");

    assertThat(run.err()).isEmpty();
    assertThat(run.status()).isZero();
    assertThat(run.out()).contains("is gone", "frozen for 12 ms", "identical to the undisturbed run's");
  }

  @Test
  void aProgramThatComesBackWrongIsAFailure() {
    assumeTrue(DemoProgram.xz.installed(), "needs xz");

    CommandLineRun run = CommandLineRun.of(new RerunEngine("x"), "demo", "--program", "xz", "--size", "500000");

    assertThat(run.status()).isEqualTo(4);
    assertThat(run.err()).contains("differs from the undisturbed run's at byte");
  }

  @Test
  void aRefusedCheckpointEndsTheDemoAndItsProgram() {
    assumeTrue(DemoProgram.python3.installed(), "needs python3");
    RerunEngine engine = new RerunEngine("");
    engine.refuses = true;

    CommandLineRun run = CommandLineRun.of(engine, "demo", "--program", "python3", "--size", "2000");

    assertThat(run.status()).isEqualTo(3);
    assertThat(engine.seen).hasSize(1).noneMatch(DemoTarget::exists);
  }

  /// "Checkpoints" by killing and "restores" by running the whole program once more, with something behind its output.
  private static final class RerunEngine extends FakeEngine {
    private final String addition;
    private final List<Tid> seen = new ArrayList<>();
    private boolean refuses;
    private List<String> command = List.of();
    private Path output = Path.of("");

    RerunEngine(String addition) {
      this.addition = addition;
    }

    @Override
    public Outcome<Checkpointed> checkpoint(CheckpointOrder order, Watcher watcher) {
      seen.add(order.root());
      if (refuses) {
        return new Outcome.Refused<>(List.of(FakeEngine.REFUSED));
      }
      try {
        Path proc = Path.of("/proc/" + order.root().value());
        command = List.of(Files.readString(proc.resolve("cmdline")).split("\0"));
        output = Files.readSymbolicLink(proc.resolve("fd/1"));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      ProcessHandle.of(order.root().value()).orElseThrow().destroyForcibly();
      return new Outcome.Done<>(new Checkpointed("/i", 12_000_000, FakeEngine.FIGURES));
    }

    @Override
    public Outcome<Restored> restore(RestoreOrder order, Watcher watcher) {
      try {
        Process process = new ProcessBuilder(command).redirectOutput(output.toFile()).start();
        int status = process.waitFor();
        Files.writeString(output, addition, StandardOpenOption.APPEND);
        return new Outcome.Done<>(new Restored(1, FakeEngine.FIGURES, program(status)));
      } catch (IOException | InterruptedException e) {
        throw new AssertionError(e);
      }
    }
  }
}
