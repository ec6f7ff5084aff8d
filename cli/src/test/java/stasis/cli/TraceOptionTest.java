package stasis.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.cli.Engine.Checkpointed;
import stasis.cli.Engine.Figures;
import stasis.cli.Engine.Outcome;
import stasis.cli.Engine.Restored;
import stasis.engine.Span;

final class TraceOptionTest {
  private static final Figures FIGURES = new Figures(1, 1, 1, 1, 1, new LinkedHashMap<>(), List.of(), List.of(),
      List.of(new Span("collect", "task 4711", 1_000_500, 250_250), new Span("collect", "", 1_000_000, 2_000_000)));

  private final FakeEngine engine = new FakeEngine();

  /// https://chromium.googlesource.com/catapult, Trace Event Format: complete events, times in microseconds.
  @Test
  void theTraceIsInChromesFormat(@TempDir Path folder) throws IOException {
    engine.checkpoint = new Outcome.Done<>(new Checkpointed("/i", 1, FIGURES));
    Path file = folder.resolve("trace.json");
    assertThat(CommandLineRun.of(engine, "checkpoint", "4711", "--image", "/i", "--trace-out", file.toString())
        .status()).isZero();

    assertThat(Files.readString(file).replaceAll("\\s+", "")).isEqualTo("""
        {"displayTimeUnit":"ms","traceEvents":[
        {"name":"process_name","ph":"M","pid":1,"args":{"name":"stasis"}},
        {"name":"task4711","cat":"collect","ph":"X","ts":0.500,"dur":250.250,"pid":1,"tid":1},
        {"name":"collect","cat":"collect","ph":"X","ts":0.000,"dur":2000.000,"pid":1,"tid":1}]}
        """.replaceAll("\\s+", ""));
  }

  @Test
  void aRestoreHasOneToo(@TempDir Path folder) throws IOException {
    engine.restore = new Outcome.Done<>(new Restored(1, FIGURES, engine.program(0)));
    Path file = folder.resolve("trace.json");
    CommandLineRun.of(engine, "restore", "/i", "--detach", "--trace-out", file.toString());

    assertThat(Files.readString(file)).contains("\"name\": \"collect\"");
  }
}
