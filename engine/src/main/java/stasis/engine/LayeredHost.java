package stasis.engine;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.procfs.ShmSegment;
import stasis.procfs.Status;
import stasis.resource.Host;

/// A host that is as another one but for some answers.
interface LayeredHost extends Host {
  /// Who answers all else.
  Host beneath();

  @Override
  default Optional<FileStat> file(PathBytes path) {
    return beneath().file(path);
  }

  @Override
  default boolean isBound(PathBytes socketFile) {
    return beneath().isBound(socketFile);
  }

  @Override
  default boolean hasAddress(Bytes socketAddress) {
    return beneath().hasAddress(socketAddress);
  }

  @Override
  default List<ShmSegment> shmSegments() {
    return beneath().shmSegments();
  }

  @Override
  default Optional<Long> checksum(PathBytes path, long offset, long lengthBytes) {
    return beneath().checksum(path, offset, lengthBytes);
  }

  @Override
  default Bytes vdsoDigest() {
    return beneath().vdsoDigest();
  }

  @Override
  default long xfeatures() {
    return beneath().xfeatures();
  }

  @Override
  default Set<String> capabilities() {
    return beneath().capabilities();
  }

  @Override
  default boolean setsProgram() {
    return beneath().setsProgram();
  }

  @Override
  default long maxOpenFiles() {
    return beneath().maxOpenFiles();
  }

  @Override
  default Optional<String> inherited(String file) {
    return beneath().inherited(file);
  }

  @Override
  default Optional<Status> restorer() {
    return beneath().restorer();
  }

  @Override
  default String systemVIpc(String sort) {
    return beneath().systemVIpc(sort);
  }

  @Override
  default boolean hasMessageQueue(String name) {
    return beneath().hasMessageQueue(name);
  }

  @Override
  default boolean hasTerminal(int number) {
    return beneath().hasTerminal(number);
  }
}
