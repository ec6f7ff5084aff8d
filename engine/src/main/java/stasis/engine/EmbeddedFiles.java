package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.Statefile;
import stasis.image.StoredObject;
import stasis.linux.abi.PathBytes;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;
import stasis.resource.Host;
import stasis.resource.KindSet;
import stasis.resource.Obstacle;

/// The files of a host that an image has brought along.
final class EmbeddedFiles implements AutoCloseable {
  /// @param id whose page map its contents are, but for one that is linked to another
  record Entry(ObjectId id, EmbeddedFile file) {
    ObjectId body() {
      return file.linkedTo().orElse(id);
    }
  }

  /// One that is not so on a host. @param found what is there instead
  record Difference(Entry entry, Optional<FileStat> found) {
    boolean isMissing() {
      return found.isEmpty();
    }

    /// As a need that the image meets by itself.
    Obstacle have() {
      return new Obstacle.HostLacks(entry.file().subject(), entry.file().sizeBytes() + " bytes, CRC32C and CRC32 "
          + "%016x".formatted(entry.file().checksum()) + "; have: embedded", "restore --files=restore-missing");
    }
  }

  private final Map<ObjectId, Entry> entries = new TreeMap<>();
  private final EmbeddedContents contents;

  private EmbeddedFiles(EmbeddedContents contents) {
    this.contents = contents;
  }

  /// @param reader open for as long as this is used
  static EmbeddedFiles of(Statefile statefile, ImageReader reader) throws DecodeException {
    return of(statefile, reader::pages);
  }

  /// @param pages opened when contents are asked for
  static EmbeddedFiles of(Statefile statefile, EmbeddedContents.Pages pages) throws DecodeException {
    var files = new EmbeddedFiles(new EmbeddedContents(pages, statefile));
    for (StoredObject object : statefile.objects(EmbeddedFile.SCHEMA_NAME)) {
      EmbeddedFile file = CoreSchemas.EMBEDDED.decode(object, Limits.DEFAULT);
      if (file.linkedTo().isPresent()) {
        Entry first = files.entries.get(file.linkedTo().get());
        if (first == null || first.file().linkedTo().isPresent() || first.file().sizeBytes() != file.sizeBytes()
            || first.file().checksum() != file.checksum()) {
          throw new DecodeException(EmbeddedFile.SCHEMA_NAME, "linkedTo", 0, file.path()
              + " is not another file's name");
        }
      }
      files.entries.put(object.id(), new Entry(object.id(), file));
    }
    return files;
  }

  EmbeddedContents contents() {
    return contents;
  }

  Entry entry(ObjectId id) {
    return GroupPlan.require(entries, id);
  }

  @Override
  public void close() {
    contents.close();
  }

  /// Looks at each on a host.
  Compared compare(Host host) {
    var differences = new ArrayList<Difference>();
    for (Entry entry : entries.values()) {
      Optional<FileStat> found = host.file(entry.file().path());
      if (found.filter(there -> isSame(entry.file(), there, host)).isEmpty()) {
        differences.add(new Difference(entry, found));
      }
    }
    return new Compared(this, host, differences);
  }

  private static boolean isSame(EmbeddedFile file, FileStat there, Host host) {
    return there.type() == FileStat.S_IFREG && there.sizeBytes() == file.sizeBytes() && (file.sizeBytes() == 0
        || host.checksum(file.path(), 0, file.sizeBytes()).filter(sum -> sum == file.checksum()).isPresent());
  }

  /// What a host has of them. @param differences by id
  record Compared(EmbeddedFiles files, Host host, List<Difference> differences) {
    Compared {
      differences = List.copyOf(differences);
    }

    /// The plan of a restore that puts files back first, as far as it may.
    Plan plan(KindSet kinds, Capture capture, FilePolicy policy) {
      List<Obstacle> obstacles = new ArrayList<>(obstacles(policy));
      Plan plan = new Planner(kinds).plan(capture, inPlace());
      if (plan instanceof Plan.Obstructed(var found)) {
        obstacles.addAll(found);
      }
      return obstacles.isEmpty() ? plan : new Plan.Obstructed(obstacles);
    }

    /// Those that a restore may not put back, by name.
    private List<Obstacle> obstacles(FilePolicy policy) {
      return differences.stream().filter(one -> !mayBePutBack(one, policy)).map(Compared::obstacle).toList();
    }

    private static boolean mayBePutBack(Difference one, FilePolicy policy) {
      return switch (policy) {
        case REFUSE -> false;
        case RESTORE_MISSING -> one.isMissing();
        case ROLLBACK -> one.found().map(FileStat::type).filter(type -> type != FileStat.S_IFREG).isEmpty();
      };
    }

    private static Obstacle obstacle(Difference one) {
      EmbeddedFile file = one.entry().file();
      String found = one.found().map(there -> there.type() != FileStat.S_IFREG ? "another type of file"
          : there.sizeBytes() + " bytes, modified at " + there.modified()
              + (there.sizeBytes() == file.sizeBytes() ? ", with other contents" : "")).orElse("nothing");
      String remedy = one.isMissing() ? "the image has a copy: restore --files=restore-missing"
          : one.found().filter(there -> there.type() == FileStat.S_IFREG).isPresent()
              ? "the image has a copy: restore --files=rollback puts it back and keeps what is there beside it"
              : "move away what is there; the image has a copy";
      return new Obstacle.Changed(file.subject(), file.sizeBytes() + " bytes, modified at " + file.modified(), found,
          remedy);
    }

    /// The host as it will be when all is put back. What has the right contents counts as untouched.
    Host inPlace() {
      Map<PathBytes, Entry> byPath = new HashMap<>();
      files.entries.values().forEach(entry -> byPath.put(entry.file().path(), entry));
      Map<PathBytes, FileStat> folders = new HashMap<>();
      Map<PathBytes, Entry> replaced = new HashMap<>();
      for (Difference one : differences) {
        replaced.put(one.entry().file().path(), one.entry());
        addFolders(one.entry().file(), folders);
      }
      return new InPlace(host, byPath, replaced, folders, files.contents);
    }

    private static void addFolders(EmbeddedFile file, Map<PathBytes, FileStat> folders) {
      StringBuilder path = new StringBuilder();
      for (int i = 0; i < file.directories().size(); i++) {
        path.append('/').append(file.names().get(i));
        folders.put(PathBytes.of(path.toString()), new FileStat(Device.ofStat(0), 0,
            FileStat.S_IFDIR | file.directories().get(i).mode(), 1, Device.ofStat(0), 0, file.modified()));
      }
    }
  }

  /// @param replaced what will be put back @param folders on the way to those
  private record InPlace(Host beneath, Map<PathBytes, Entry> byPath, Map<PathBytes, Entry> replaced,
      Map<PathBytes, FileStat> folders, EmbeddedContents contents) implements LayeredHost {
    @Override
    public Optional<FileStat> file(PathBytes path) {
      Entry entry = byPath.get(path);
      if (replaced.containsKey(path)) {
        return Optional.of(GroupPlan.require(replaced, path).file().inPlace());
      }
      Optional<FileStat> found = beneath.file(path).or(() -> Optional.ofNullable(folders.get(path)));
      return entry == null ? found : found.map(one -> new FileStat(one.device(), one.inode(), one.mode(), one.links(),
          one.rdev(), one.sizeBytes(), entry.file().modified()));
    }

    @Override
    public Optional<Long> checksum(PathBytes path, long offset, long lengthBytes) {
      Entry entry = replaced.get(path);
      if (entry == null) {
        return beneath.checksum(path, offset, lengthBytes);
      }
      try {
        return offset < 0 || lengthBytes > entry.file().sizeBytes() - offset ? Optional.empty()
            : Optional.of(contents.checksum(entry.body(), offset, lengthBytes));
      } catch (ImageException e) {
        return Optional.empty(); // damaged: then it is not what it was
      }
    }
  }
}
