package stasis.engine;

import java.util.List;
import java.util.function.LongSupplier;
import stasis.linux.abi.Tid;
import stasis.tracee.CallResult;
import stasis.tracee.FaultPoints;
import stasis.tracee.RemoteCall;

/// When a tree began to stand still: not while it was looked at who is in it, but before the first task was seized.
final class FreezeStart implements FaultPoints {
  private final FaultPoints points;
  private final LongSupplier clockNs;
  private long beganNs;
  private boolean began;

  /// @param points are told of all
  FreezeStart(FaultPoints points, LongSupplier clockNs) {
    this.points = points;
    this.clockNs = clockNs;
    this.beganNs = clockNs.getAsLong();
  }

  long beganNs() {
    return beganNs;
  }

  @Override
  public void hit(String name) {
    points.hit(name);
    if (!began && name.equals("freeze.looked")) {
      began = true;
      beganNs = clockNs.getAsLong();
    }
  }

  @Override
  public void called(Tid task, List<RemoteCall> calls, List<CallResult> results, long tookNs) {
    points.called(task, calls, results, tookNs);
  }
}
