package stasis.tracee;

/// Named points between the steps of an act, at which a test can make the tracer die or fail. Part of the engine, off
/// by default: a sweep addresses a step by its name and its count, not by a line of code.
@FunctionalInterface
public interface FaultPoints {
  FaultPoints NONE = _ -> {};

  /// @param name `act.step`, such as `errand.slot-written`: the step that has just been done
  void hit(String name);
}
