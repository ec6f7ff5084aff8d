package stasis.tracee;

import java.time.Duration;

/// A point on the clock of System.nanoTime() past which a wait is given up. One deadline covers all waits of one act.
public record Deadline(long atNs) {
  public static Deadline after(Duration duration) {
    return new Deadline(System.nanoTime() + duration.toNanos());
  }

  public boolean passed() {
    return System.nanoTime() - atNs >= 0;
  }

  /// The end of a while from now, or this one if it comes first.
  public Deadline within(Duration duration) {
    Deadline soon = after(duration);
    return soon.atNs() - atNs < 0 ? soon : this;
  }
}
