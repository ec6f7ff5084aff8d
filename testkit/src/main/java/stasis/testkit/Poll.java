package stasis.testkit;

import java.time.Duration;

/// A wait in short steps with an end.
final class Poll {
  private static final long STEP_MS = 5;
  private final long deadline;

  Poll(Duration bound) {
    deadline = System.nanoTime() + bound.toNanos();
  }

  /// Pauses, and says whether to look once more.
  boolean again() {
    if (System.nanoTime() - deadline >= 0) {
      return false;
    }
    try {
      Thread.sleep(STEP_MS);
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting", e);
    }
  }
}
