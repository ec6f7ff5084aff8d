package stasis.engine;

import java.lang.invoke.MethodHandles;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.procfs.Device;
import stasis.procfs.FileStat;

/// What the process that makes the copy is told; the pages it finds in another file.
///
/// @param engineVersion for the certificate @param metadata of the image @param pageBytes length of its page section
/// @param pageOffset where that begins in the file @param files of the host as they were in the freeze
/// @param settings of the host's network
record ProofOrder(@Tag(1) String engineVersion, @Tag(2) Bytes metadata, @Tag(3) long pageBytes,
    @Tag(4) long pageOffset, @Tag(5) List<Fact> files, @Tag(6) List<Setting> settings) {
  static final Schema<ProofOrder> SCHEMA = Schema.of(MethodHandles.lookup(), ProofOrder.class, "proof.order", 1);

  /// A file of /proc/sys/net, which a new network namespace has its own of.
  record Setting(@Tag(1) String path, @Tag(2) String text) {}

  /// @see FileStat
  record Fact(@Tag(1) PathBytes path, @Tag(2) int major, @Tag(3) int minor, @Tag(4) long inode, @Tag(5) int mode,
      @Tag(6) int links, @Tag(7) int rdevMajor, @Tag(8) int rdevMinor, @Tag(9) long sizeBytes,
      @Tag(10) long modifiedSeconds, @Tag(11) int modifiedNanos) {}

  static List<Fact> facts(Map<PathBytes, FileStat> files) {
    var facts = new ArrayList<Fact>();
    files.forEach((path, stat) -> facts.add(new Fact(path, stat.device().major(), stat.device().minor(), stat.inode(),
        stat.mode(), stat.links(), stat.rdev().major(), stat.rdev().minor(), stat.sizeBytes(),
        stat.modified().getEpochSecond(), stat.modified().getNano())));
    return facts;
  }

  Map<PathBytes, FileStat> facts() {
    Map<PathBytes, FileStat> facts = new HashMap<>();
    files.forEach(fact -> facts.put(fact.path(), new FileStat(new Device(fact.major(), fact.minor()), fact.inode(),
        fact.mode(), fact.links(), new Device(fact.rdevMajor(), fact.rdevMinor()), fact.sizeBytes(),
        Instant.ofEpochSecond(fact.modifiedSeconds(), fact.modifiedNanos()))));
    return facts;
  }
}
