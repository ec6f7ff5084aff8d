package stasis.procfs;

import java.nio.file.Path;

/// A file of /proc gave no text. The subclass is the reason; callers branch on it.
public abstract sealed class ProcException extends Exception
    permits TaskGoneException, ProcAbsentException, ProcDeniedException, ProcUnreadableException {
  private static final long serialVersionUID = 1L;
  private final transient Path file;

  ProcException(Path file, String message) {
    super(message);
    this.file = file;
  }

  /// The file that was to be read, below the root given to [Proc].
  public Path file() {
    return file;
  }
}
