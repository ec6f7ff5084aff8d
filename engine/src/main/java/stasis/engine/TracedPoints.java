package stasis.engine;

import java.util.List;
import stasis.linux.abi.Tid;
import stasis.tracee.CallResult;
import stasis.tracee.FaultPoints;
import stasis.tracee.RemoteCall;

/// The steps of a freeze, an errand or a snapshot as moments.
record TracedPoints(Moment.Listener listener) implements FaultPoints {
  @Override
  public void hit(String name) {
    listener.at(new Moment.At(name));
  }

  @Override
  public void called(Tid task, List<RemoteCall> calls, List<CallResult> results, long tookNs) {
    listener.at(new Moment.Calls(() -> CallLines.of(task, calls, results, tookNs)));
  }
}
