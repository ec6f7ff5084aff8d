package stasis.tracee;

import stasis.linux.abi.Tid;

/// Signals that wait for one thread to take them (`SigPnd` of proc_pid_status(5)).
public final class PendingSignals {
  private PendingSignals() {}

  /// @return false also where it is gone
  public static boolean has(Tid thread, int signal) {
    return TaskStatus.of(thread).map(status -> status.signals("SigPnd").contains(signal)).orElse(false);
  }
}
