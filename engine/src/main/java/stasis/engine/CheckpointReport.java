package stasis.engine;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.LossRow;

/// What a finished checkpoint measured. Times in nanoseconds.
///
/// @param frozenNs how long the program stood still: to its resume, or to its end
/// @param image what it is called from outside: its folder, or `NAME@K`
/// @param imageBytes by how much the device is fuller @param pageBytes contents of memory and files, before compression
/// @param phases name to duration, in order @param warnings what the user should know: a zombie nobody reaps
/// @param tracked @param preCopied @param embedded @param deadline present where that was asked for
/// @param spans of all phases and their parts
public record CheckpointReport(String image, long frozenNs, long totalNs, long imageBytes, long pageBytes, int tasks,
    int threads, Map<String, Long> phases, List<LossRow> losses, List<String> warnings,
    Optional<TrackReport> tracked, Optional<PreCopyReport> preCopied,
    Optional<EmbedReport> embedded, Optional<DeadlineReport> deadline, List<Span> spans) {
  public CheckpointReport {
    losses = List.copyOf(losses);
    warnings = List.copyOf(warnings);
    spans = List.copyOf(spans);
  }
}
