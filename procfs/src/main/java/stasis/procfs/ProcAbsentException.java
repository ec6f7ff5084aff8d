package stasis.procfs;

import java.nio.file.Path;

/// The task is there but this file is not: a descriptor that was closed, or a file this kernel is built without.
public final class ProcAbsentException extends ProcException {
  private static final long serialVersionUID = 1L;

  ProcAbsentException(Path file) {
    super(file, file + " is not there: the descriptor was closed, or the kernel is built without this file");
  }
}
