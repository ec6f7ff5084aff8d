package stasis.procfs;

import java.nio.file.Path;

/// The kernel refused for another reason, or the text is longer than any sane file of its kind.
public final class ProcUnreadableException extends ProcException {
  private static final long serialVersionUID = 1L;

  ProcUnreadableException(Path file, String reason) {
    super(file, file + ": " + reason);
  }
}
