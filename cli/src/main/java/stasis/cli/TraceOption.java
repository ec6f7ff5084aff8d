package stasis.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Option;
import stasis.engine.Span;

/// `--trace-out FILE`: where the time went, in the format of Chrome's trace viewer (chrome://tracing, Perfetto).
final class TraceOption {
  @Option(names = "--trace-out", paramLabel = "FILE",
      description = "Write where the time went to FILE, for chrome://tracing or ui.perfetto.dev.")
  private Optional<Path> file = Optional.empty();

  void write(List<Span> spans) throws IOException {
    if (file.isPresent()) {
      Files.writeString(file.get(), json(spans).write(), StandardCharsets.UTF_8);
    }
  }

  /// Complete events (`X`) of one thread: what lies within another in time is drawn below it. Times in microseconds
  /// since the first began.
  static Json json(List<Span> spans) {
    long beganNs = spans.stream().mapToLong(Span::startNs).min().orElse(0);
    List<Json> events = new ArrayList<>();
    events.add(Json.object(Json.member("name", Json.text("process_name")), Json.member("ph", Json.text("M")),
        Json.member("pid", Json.number(1)), Json.member("args",
            Json.object(Json.member("name", Json.text("stasis"))))));
    for (Span span : spans) {
      events.add(Json.object(
          Json.member("name", Json.text(span.part().isEmpty() ? span.phase() : span.part())),
          Json.member("cat", Json.text(span.phase())),
          Json.member("ph", Json.text("X")),
          Json.member("ts", micros(span.startNs() - beganNs)),
          Json.member("dur", micros(span.lastedNs())),
          Json.member("pid", Json.number(1)),
          Json.member("tid", Json.number(1))));
    }
    return Json.object(Json.member("displayTimeUnit", Json.text("ms")),
        Json.member("traceEvents", new Json.Items(events)));
  }

  private static Json micros(long ns) {
    return new Json.Verbatim("%d.%03d".formatted(ns / 1000, ns % 1000));
  }
}
