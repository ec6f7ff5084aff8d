package stasis.tracee;

import java.util.List;
import stasis.linux.abi.Tid;

/// Named points between the steps of an act, at which a test can make the tracer die or fail. Part of the engine, off
/// by default: a sweep addresses a step by its name and its count, not by a line of code.
@FunctionalInterface
public interface FaultPoints {
  FaultPoints NONE = _ -> {};

  /// @param name `act.step`, such as `errand.slot-written`: the step that has just been done
  void hit(String name);

  /// Calls that a task has made for us.
  ///
  /// @param tookNs all of them together
  default void called(Tid task, List<RemoteCall> calls, List<CallResult> results, long tookNs) {}
}
