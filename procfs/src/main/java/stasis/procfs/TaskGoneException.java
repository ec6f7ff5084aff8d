package stasis.procfs;

import java.nio.file.Path;

/// The task ended before or while it was looked at: its directory is gone, or a read gave ESRCH (proc(5)). An answer,
/// not a fault.
public final class TaskGoneException extends ProcException {
  private static final long serialVersionUID = 1L;

  TaskGoneException(Path file) {
    super(file, "the task of " + file + " is gone");
  }
}
