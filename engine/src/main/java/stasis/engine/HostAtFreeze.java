package stasis.engine;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.procfs.ShmSegment;
import stasis.resource.Host;

/// The host with the program's open files as they were while it stood still: a program that runs on after its
/// checkpoint may have written more by the time the plan is tried.
record HostAtFreeze(Host beneath, Map<PathBytes, FileStat> files) implements LayeredHost {
  @Override
  public Optional<FileStat> file(PathBytes path) {
    FileStat then = files.get(path);
    return then == null ? beneath.file(path) : Optional.of(then);
  }

  /// What the program is bound to was there.
  @Override
  public boolean hasAddress(Bytes socketAddress) {
    return true;
  }

  /// The program's own, and others may have come before it is there again.
  @Override
  public boolean hasTerminal(int number) {
    return false;
  }

  /// As they will be without the program.
  @Override
  public List<ShmSegment> shmSegments() {
    return beneath.shmSegments().stream().filter(segment -> !segment.isRemoved()).map(ShmSegment::unattached).toList();
  }
}
