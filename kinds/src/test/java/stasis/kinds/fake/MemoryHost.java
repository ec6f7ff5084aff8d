package stasis.kinds.fake;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.procfs.ShmSegment;
import stasis.resource.Host;

/// A host with files that have contents. The checksum of a range is its offset, its length and the file's content
/// number, added up.
public final class MemoryHost implements Host {
  private final Map<PathBytes, FileStat> files = new HashMap<>();
  private final Map<PathBytes, Long> contents = new HashMap<>();
  private final List<ShmSegment> segments = new ArrayList<>();
  private final Set<String> capabilities = new HashSet<>();
  private Bytes vdso = Bytes.EMPTY;

  public MemoryHost file(String path, FileStat stat, long content) {
    files.put(PathBytes.of(path), stat);
    contents.put(PathBytes.of(path), content);
    return this;
  }

  /// A file whose contents may not be read.
  public MemoryHost unreadable(String path, FileStat stat) {
    files.put(PathBytes.of(path), stat);
    return this;
  }

  public MemoryHost vdso(Bytes digest) {
    vdso = digest;
    return this;
  }

  public MemoryHost segment(ShmSegment segment) {
    segments.add(segment);
    return this;
  }

  public MemoryHost capable(String... names) {
    capabilities.addAll(List.of(names));
    return this;
  }

  @Override
  public Optional<FileStat> file(PathBytes path) {
    return Optional.ofNullable(files.get(path));
  }

  @Override
  public boolean isBound(PathBytes socketFile) {
    return false;
  }

  @Override
  public boolean hasAddress(Bytes socketAddress) {
    return socketAddress.u8(4) != 10;
  }

  @Override
  public List<ShmSegment> shmSegments() {
    return List.copyOf(segments);
  }

  @Override
  public Optional<Long> checksum(PathBytes path, long offset, long lengthBytes) {
    return Optional.ofNullable(contents.get(path)).map(content -> content + offset + lengthBytes);
  }

  @Override
  public Bytes vdsoDigest() {
    return vdso;
  }

  @Override
  public long xfeatures() {
    return 0;
  }

  @Override
  public Set<String> capabilities() {
    return Set.copyOf(capabilities);
  }

  @Override
  public long maxOpenFiles() {
    return 1024;
  }

  @Override
  public Optional<String> inherited(String file) {
    return Optional.empty();
  }
}
