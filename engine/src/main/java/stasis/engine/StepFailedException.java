package stasis.engine;

import stasis.linux.abi.Errno;
import stasis.resource.Program;
import stasis.resource.Step;

/// A step of a restore program did not do what it must.
public final class StepFailedException extends Exception {
  private static final long serialVersionUID = 1L;
  private final boolean worthAnother;

  StepFailedException(int step, Step.Call call, long result) {
    this("step %" + step + " " + Program.explain(call) + " answered " + text(result), false);
  }

  StepFailedException(String what, long result) {
    this(what + " answered " + text(result), false);
  }

  StepFailedException(Exception cause) {
    super(cause.getMessage(), cause);
    worthAnother = false;
  }

  StepFailedException(String what) {
    this(what, false);
  }

  private StepFailedException(String what, boolean worthAnother) {
    super(what);
    this.worthAnother = worthAnother;
  }

  /// A pid that was waited for and went to another task.
  static StepFailedException missed(int pid) {
    return new StepFailedException("pid " + pid + " cannot be chosen here, only waited for, and went to another task"
        + " each time; restore when fewer processes start, with CAP_CHECKPOINT_RESTORE, or where user and pid"
        + " namespaces can be made", true);
  }

  /// Whether the same may go well the next time.
  boolean isWorthAnother() {
    return worthAnother;
  }

  private static String text(long result) {
    if (!Errno.isError(result)) {
      return Long.toString(result);
    }
    Errno errno = Errno.of(result);
    return errno + " (" + errno.meaning() + ")";
  }
}
