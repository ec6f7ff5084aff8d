package stasis.bench;

import java.io.IOException;
import java.nio.file.Path;

/// What is measured: two commands.
interface Contender {
  String name();

  /// Checkpoints `pid` into the folder `image`, as one process from its start to its end.
  ///
  /// @return how long the program stood still, as the contender itself says, in ns
  Taken checkpoint(long pid, Path image, boolean leaveRunning) throws IOException, InterruptedException;

  /// Restores `image` detached. @return duration of the whole process in ns
  long restoreNs(Path image) throws IOException, InterruptedException;

  /// @param totalNs of the whole process
  record Taken(long frozenNs, long totalNs) {}
}
