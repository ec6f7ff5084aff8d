package stasis.engine;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/// One phase of a checkpoint or restore in a flight recording (jdk.jfr). Used only where one is made.
@Name("stasis.Phase")
@Label("Phase")
@Category("Stasis")
@Description("A phase of a checkpoint or restore")
@StackTrace(false)
final class PhaseEvent extends Event {
  @Label("Phase")
  @SuppressWarnings("UnusedVariable") // read by the recorder
  private final String phase;

  private PhaseEvent(String phase) {
    this.phase = phase;
  }

  /// Not over before it is committed.
  static PhaseEvent begun(String phase) {
    PhaseEvent event = new PhaseEvent(phase);
    event.begin();
    return event;
  }
}
