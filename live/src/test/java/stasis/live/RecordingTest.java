package stasis.live;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import stasis.engine.CheckpointReport;
import stasis.engine.Moment;
import stasis.engine.Span;
import stasis.testkit.Victim;

/// What can be watched of an operation from outside: phases in a flight recording, calls line by line.
class RecordingTest {
  @Test
  void phasesAreEventsOfAFlightRecording(@TempDir Path work) throws IOException {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work); var recording = new Recording()) {
      Victim victim = cycle.start(victims.general("threads"));
      victim.awaitReady("all-wait", Cycle.BOUND);
      recording.enable("stasis.Phase");
      Path file = work.resolve("recording.jfr");
      recording.setDestination(file);
      recording.start();
      CheckpointReport report = cycle.stored(victim, cycle.newImage(), true);
      recording.stop();

      List<String> phases = RecordingFile.readAllEvents(file).stream()
          .filter(event -> event.getEventType().getName().equals("stasis.Phase"))
          .map((RecordedEvent event) -> event.getString("phase")).distinct().toList();
      assertThat(phases).containsExactlyInAnyOrderElementsOf(report.phases().keySet());
      assertThat(report.spans().stream().filter(span -> span.part().isEmpty()).map(Span::phase).distinct())
          .containsExactlyInAnyOrderElementsOf(report.phases().keySet());
      assertThat(report.spans()).extracting(Span::part).contains("files", "task " + victim.pid(), "pages", "proof");
      // What is within another in time is drawn below it.
      assertThat(report.spans()).filteredOn(span -> !span.part().isEmpty()).allSatisfy(part ->
          assertThat(report.spans()).anyMatch(phase -> phase.part().isEmpty() && phase.phase().equals(part.phase())
              && phase.startNs() <= part.startNs()
              && phase.startNs() + phase.lastedNs() >= part.startNs() + part.lastedNs()));
    }
  }

  @Test
  void callsInOtherTasksCanBeReadAsStraceWouldShowThem(@TempDir Path work) {
    var victims = new Victims();
    try (var cycle = new Cycle(victims, work)) {
      Victim victim = cycle.start(victims.general("threads"));
      victim.awaitReady("all-wait", Cycle.BOUND);
      Path image = cycle.newImage();
      cycle.stored(victim, image, false);
      cycle.bury(victim);
      var lines = new ArrayList<String>();
      cycle.restore(image, moment -> {
        if (moment instanceof Moment.Calls calls) {
          lines.addAll(calls.lines().get());
        }
      });

      assertThat(lines).anyMatch(
          line -> line.matches("\\[" + victim.pid() + "] openat\\(-100, \"/dev/null\", .*\\) = \\d+  # .*"));
      assertThat(lines).anyMatch(line -> line.matches(".* <\\d+ us>"));
      victim.go("all-wait");
      assertThat(victim.verdict(Cycle.BOUND)).isEqualTo(new Victim.Verdict.Passed());
    }
  }
}
