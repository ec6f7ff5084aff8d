package stasis.engine;

import java.util.List;
import java.util.function.Supplier;

/// A named point of a checkpoint or restore. Progress, user hooks, fault injection and cancellation all hang on these;
/// nothing else in the engine calls out.
public sealed interface Moment {
  /// All tasks stand still.
  record Frozen(int tasks) implements Moment {}

  /// Memory is held copy-on-write; the tasks may go on.
  record Snapshot() implements Moment {}

  /// The tasks run again.
  record Resumed() implements Moment {}

  /// Page contents, in bytes so far and in all.
  record Progress(long doneBytes, long totalBytes) implements Moment {}

  /// The image counts from here on.
  record Committed() implements Moment {}

  /// The tasks are gone.
  record Killed() implements Moment {}

  /// Every task of a restore exists.
  record TasksBorn(int tasks) implements Moment {}

  /// All state is in place; nothing runs yet.
  record BeforeRelease() implements Moment {}

  /// The restored tasks run.
  record Released() implements Moment {}

  /// One step of the engine, named for fault injection: `freeze.seize`, `restore.step`.
  record At(String step) implements Moment {}

  /// Calls were made in a task, a line each as strace(1) would have it: made up only for who asks.
  record Calls(Supplier<List<String>> lines) implements Moment {}

  /// Hears every moment, on the tracer thread. What it throws ends the operation like a failure at that moment.
  interface Listener {
    void at(Moment moment);
  }
}
