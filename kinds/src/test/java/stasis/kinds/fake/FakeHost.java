package stasis.kinds.fake;

import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.procfs.ShmSegment;
import stasis.resource.Host;

/// A host that has what a test gave it.
public final class FakeHost implements Host {
  private final Map<PathBytes, FileStat> files = new HashMap<>();
  private final Map<String, String> inherited = new HashMap<>();
  private final Set<String> capabilities = new HashSet<>();
  private final Set<String> queues = new HashSet<>();

  public FakeHost file(String path, int mode) {
    files.put(PathBytes.of(path), stat(mode, 2));
    return this;
  }

  public static FileStat stat(int mode, int links) {
    return new FileStat(Device.NONE, 7, mode, links, Device.NONE, 0, Instant.EPOCH);
  }

  public FakeHost inheriting(String file, String text) {
    inherited.put(file, text);
    return this;
  }

  /// @param lines of /proc/sysvipc/SORT, without its head
  public FakeHost systemVIpc(String sort, String lines) {
    inherited.put("/proc/sysvipc/" + sort, "head\n" + lines);
    return this;
  }

  @Override
  public String systemVIpc(String sort) {
    return inherited.getOrDefault("/proc/sysvipc/" + sort, "");
  }

  /// It has a POSIX message queue of that name.
  public FakeHost queue(String name) {
    queues.add(name);
    return this;
  }

  @Override
  public boolean hasMessageQueue(String name) {
    return queues.contains(name);
  }

  public FakeHost capable(String... names) {
    capabilities.addAll(Set.of(names));
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
    return List.of();
  }

  @Override
  public Optional<Long> checksum(PathBytes path, long offset, long lengthBytes) {
    return Optional.empty();
  }

  @Override
  public Bytes vdsoDigest() {
    return Bytes.EMPTY;
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
    return Optional.ofNullable(inherited.get(file));
  }
}
