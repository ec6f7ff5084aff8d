package stasis.engine;

import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.PathBytes;
import stasis.procfs.Device;
import stasis.procfs.FileStat;

/// A file of the host that an image takes along, contents and all: those are a page map with this object as its body.
///
/// @param mode permissions @param accessedNs @param modifiedNs ns since the epoch
/// @param checksum of all of it, as [stasis.resource.Host#checksum] @param attributes extended ones, by name
/// @param linkedTo the same file under another name, whose contents are these
/// @param directories on the way to it, the root not among them
/// @param written whether the tree could write to it
record EmbeddedFile(@Tag(1) PathBytes path, @Tag(2) int mode, @Tag(3) int uid, @Tag(4) int gid, @Tag(5) long sizeBytes,
    @Tag(6) long accessedNs, @Tag(7) long modifiedNs, @Tag(8) long checksum, @Tag(9) List<Attribute> attributes,
    @Tag(10) Optional<ObjectId> linkedTo, @Tag(11) List<Directory> directories, @Tag(12) boolean written) {
  static final String SCHEMA_NAME = "core.embedded";
  private static final int PERMISSIONS = 07777;
  private static final long NS_PER_S = 1_000_000_000L;

  record Attribute(@Tag(1) Bytes name, @Tag(2) Bytes value) {}

  /// A folder on the way.
  record Directory(@Tag(1) int mode, @Tag(2) int uid, @Tag(3) int gid) {}

  EmbeddedFile {
    attributes = List.copyOf(attributes);
    directories = List.copyOf(directories);
    List<String> names = names(path);
    if (names.isEmpty() || names.stream().anyMatch(name -> name.isEmpty() || name.equals(".") || name.equals(".."))) {
      throw new IllegalArgumentException("no file is at " + path);
    }
    if (directories.size() != names.size() - 1) {
      throw new IllegalArgumentException(path + " has not " + directories.size() + " folders");
    }
    if (sizeBytes < 0 || (mode & ~PERMISSIONS) != 0) {
      throw new IllegalArgumentException("no file has size " + sizeBytes + ", mode " + mode);
    }
  }

  /// The parts of an absolute path; none of any other.
  static List<String> names(PathBytes path) {
    String text = path.latin1();
    return text.startsWith("/") ? List.of(text.substring(1).split("/", -1)) : List.of();
  }

  List<String> names() {
    return names(path);
  }

  String subject() {
    return "file " + path;
  }

  /// As it will be found when it is put back.
  FileStat inPlace() {
    return new FileStat(Device.ofStat(0), 0, FileStat.S_IFREG | mode, 1, Device.ofStat(0), sizeBytes, modified());
  }

  java.time.Instant modified() {
    return java.time.Instant.ofEpochSecond(Math.floorDiv(modifiedNs, NS_PER_S), Math.floorMod(modifiedNs, NS_PER_S));
  }
}
