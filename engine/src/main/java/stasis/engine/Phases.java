package stasis.engine;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.LongSupplier;

/// How long each phase took, by the names of docs/vocabulary.md. Phases follow each other; one entered twice adds up.
final class Phases {
  private final LongSupplier clockNs;
  private final SequencedMap<String, Long> elapsedNs = new LinkedHashMap<>();
  private String current = "";
  private PhaseEvent event = new PhaseEvent("");
  private long since;

  /// @param clockNs monotonic
  Phases(LongSupplier clockNs) {
    this.clockNs = clockNs;
  }

  /// Ends the phase before, if any.
  void enter(String phase) {
    end();
    current = phase;
    event = new PhaseEvent(phase);
    event.begin();
    since = clockNs.getAsLong();
  }

  void end() {
    if (!current.isEmpty()) {
      event.commit();
      elapsedNs.merge(current, clockNs.getAsLong() - since, Long::sum);
      current = "";
    }
  }

  long nowNs() {
    return clockNs.getAsLong();
  }

  /// In the order first entered.
  Map<String, Long> elapsedNs() {
    return Collections.unmodifiableMap(new LinkedHashMap<>(elapsedNs));
  }
}
