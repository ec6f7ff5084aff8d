package stasis.engine;

import java.util.List;

/// What was copied while the tree ran.
///
/// @param converged whether it was stopped because little was left; else because a round had no less to read than the
///     one before, or there were as many as allowed
/// @param lastBytes what was left to read in the last freeze
public record PreCopyReport(List<Round> rounds, boolean converged, long lastBytes) {
  /// @param readBytes of pages @param stoppedNs how long the tree stood still for it @param lastedNs all of it
  public record Round(long readBytes, long stoppedNs, long lastedNs) {}

  public PreCopyReport {
    rounds = List.copyOf(rounds);
  }
}
