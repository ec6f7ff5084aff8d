package stasis.cli;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/// Whether the user has asked us to stop. Asked for once, it stays: every step from then on fails as if it had not
/// worked, and all that was taken is given back.
final class Cancellation {
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private volatile boolean requested;

  boolean requested() {
    return requested;
  }

  void request() {
    requested = true;
    listeners.forEach(Runnable::run);
  }

  /// Runs on the thread that asks, which is never the one that works. Runs at once if it was asked for before.
  void onRequest(Runnable listener) {
    listeners.add(listener);
    if (requested) {
      listener.run();
    }
  }
}
