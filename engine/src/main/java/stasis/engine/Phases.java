package stasis.engine;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.LongSupplier;
import jdk.jfr.FlightRecorder;

/// How long each phase took, by the names of docs/vocabulary.md. Phases follow each other; one entered twice adds up.
final class Phases {
  private final LongSupplier clockNs;
  private final SequencedMap<String, Long> elapsedNs = new LinkedHashMap<>();
  private final List<Span> spans = new ArrayList<>();
  private String current = "";
  private Optional<PhaseEvent> event = Optional.empty();
  private long since;

  /// @param clockNs monotonic
  Phases(LongSupplier clockNs) {
    this.clockNs = clockNs;
  }

  /// Ends the phase before, if any.
  void enter(String phase) {
    end();
    current = phase;
    // The mere class would have the recorder set up, which takes longer than a checkpoint of a small program.
    event = FlightRecorder.isInitialized() ? Optional.of(PhaseEvent.begun(phase)) : Optional.empty();
    since = clockNs.getAsLong();
  }

  void end() {
    if (!current.isEmpty()) {
      event.ifPresent(PhaseEvent::commit);
      long lastedNs = clockNs.getAsLong() - since;
      elapsedNs.merge(current, lastedNs, Long::sum);
      spans.add(new Span(current, "", since, lastedNs));
      current = "";
    }
  }

  /// What of the current phase one thing takes.
  interface Stretch extends AutoCloseable {
    @Override
    void close();
  }

  /// Counts for `part` until closed.
  Stretch part(String part) {
    long startNs = clockNs.getAsLong();
    return () -> spans.add(new Span(current, part, startNs, clockNs.getAsLong() - startNs));
  }

  /// All so far, each as it ended.
  List<Span> spans() {
    return List.copyOf(spans);
  }

  long nowNs() {
    return clockNs.getAsLong();
  }

  /// In the order first entered.
  Map<String, Long> elapsedNs() {
    return Collections.unmodifiableMap(new LinkedHashMap<>(elapsedNs));
  }
}
