package stasis.engine;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.procfs.ShmSegment;
import stasis.resource.Host;

/// The host with the program's open files as they were while it stood still: a program that runs on after its
/// checkpoint
/// may have written more by the time the plan is tried.
record HostAtFreeze(Host now, Map<PathBytes, FileStat> files) implements Host {
  @Override
  public Optional<FileStat> file(PathBytes path) {
    FileStat then = files.get(path);
    return then == null ? now.file(path) : Optional.of(then);
  }

  @Override
  public boolean isBound(PathBytes socketFile) {
    return now.isBound(socketFile);
  }

  /// What the program is bound to was there.
  @Override
  public boolean hasAddress(Bytes socketAddress) {
    return true;
  }

  /// As they will be without the program.
  @Override
  public List<ShmSegment> shmSegments() {
    return now.shmSegments().stream().filter(segment -> !segment.isRemoved()).map(ShmSegment::unattached).toList();
  }

  @Override
  public Optional<Long> checksum(PathBytes path, long offset, long lengthBytes) {
    return now.checksum(path, offset, lengthBytes);
  }

  @Override
  public Bytes vdsoDigest() {
    return now.vdsoDigest();
  }

  @Override
  public long xfeatures() {
    return now.xfeatures();
  }

  @Override
  public Set<String> capabilities() {
    return now.capabilities();
  }

  @Override
  public long maxOpenFiles() {
    return now.maxOpenFiles();
  }

  @Override
  public Optional<String> inherited(String file) {
    return now.inherited(file);
  }

  @Override
  public String systemVIpc(String sort) {
    return now.systemVIpc(sort);
  }

  @Override
  public boolean hasMessageQueue(String name) {
    return now.hasMessageQueue(name);
  }
}
