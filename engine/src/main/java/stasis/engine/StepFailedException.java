package stasis.engine;

import stasis.linux.abi.Errno;
import stasis.resource.Program;
import stasis.resource.Step;

/// A step of a restore program did not do what it must.
public final class StepFailedException extends Exception {
  private static final long serialVersionUID = 1L;

  StepFailedException(int step, Step.Call call, long result) {
    super("step %" + step + " " + Program.explain(call) + " answered " + text(result));
  }

  StepFailedException(String what, long result) {
    super(what + " answered " + text(result));
  }

  StepFailedException(Exception cause) {
    super(cause.getMessage(), cause);
  }

  StepFailedException(String what) {
    super(what);
  }

  private static String text(long result) {
    if (!Errno.isError(result)) {
      return Long.toString(result);
    }
    Errno errno = Errno.of(result);
    return errno + " (" + errno.meaning() + ")";
  }
}
