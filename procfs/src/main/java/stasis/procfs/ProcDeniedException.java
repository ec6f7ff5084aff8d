package stasis.procfs;

import java.nio.file.Path;

/// EACCES or EPERM: the reader may not look at this task (ptrace(2), "Ptrace access mode checking").
public final class ProcDeniedException extends ProcException {
  private static final long serialVersionUID = 1L;

  ProcDeniedException(Path file) {
    super(file, file + " may not be read; run as the task's user, or with CAP_SYS_PTRACE");
  }
}
