package stasis.engine;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.Statefile;
import stasis.image.StoredObject;
import stasis.resource.CpuState;
import stasis.resource.FilesState;
import stasis.resource.Kind;
import stasis.resource.KindSet;
import stasis.resource.MmState;
import stasis.resource.TaskState;
import stasis.resource.ZombieState;

/// A statefile's metadata as a capture: what [Encoder] wrote, checked from the other side.
final class Loader {
  private final Map<String, Kind<?>> kinds = new HashMap<>();

  Loader(KindSet kinds) {
    kinds.all().forEach(kind -> this.kinds.put(kind.schema().name(), kind));
  }

  /// @throws DecodeException also when an object belongs to a kind, or a version of one, this engine does not know, or
  ///     refers to an object of another sort
  Capture load(Statefile statefile) throws DecodeException {
    var tasks = new TreeMap<ObjectId, TaskState>();
    var mms = new TreeMap<ObjectId, MmState>();
    var files = new TreeMap<ObjectId, FilesState>();
    var items = new TreeMap<ObjectId, Capture.Item<?>>();
    var cpus = new TreeMap<ObjectId, CpuState>();
    var zombies = new TreeMap<ObjectId, ZombieState>();
    for (StoredObject object : statefile.objects()) {
      switch (object.schemaName()) {
        case "core.task" -> tasks.put(object.id(), CoreSchemas.TASK.decode(object, Limits.DEFAULT));
        case "core.mm" -> mms.put(object.id(), CoreSchemas.MM.decode(object, Limits.DEFAULT));
        case "core.files" -> files.put(object.id(), CoreSchemas.FILES.decode(object, Limits.DEFAULT));
        case "core.zombie" -> zombies.put(object.id(), CoreSchemas.ZOMBIE.decode(object, Limits.DEFAULT));
        case "core.cpu" -> cpus.put(owner(object), CoreSchemas.CPU.decode(object, Limits.DEFAULT));
        case EmbeddedFile.SCHEMA_NAME -> { } // of the host, not of the tree: EmbeddedFiles
        default -> items.put(object.id(), item(kind(object), object));
      }
    }
    Capture capture = new Capture(tasks, mms, files, items, cpus, zombies);
    new CaptureChecks(capture).check();
    return capture;
  }

  private Kind<?> kind(StoredObject object) throws DecodeException {
    Kind<?> kind = kinds.get(object.schemaName());
    if (kind == null) {
      throw new DecodeException(object.schemaName(), "objects", 0,
          "object " + object.id() + " is of a kind this engine does not know; restore it with a newer Stasis");
    }
    return kind;
  }

  private static <S extends Record> Capture.Item<S> item(Kind<S> kind, StoredObject object) throws DecodeException {
    return new Capture.Item<>(object.id(), kind, kind.schema().decode(object, Limits.DEFAULT), object.owner());
  }

  private static ObjectId owner(StoredObject object) throws DecodeException {
    Optional<ObjectId> owner = object.owner();
    if (owner.isEmpty()) {
      throw new DecodeException(object.schemaName(), "owner", 0, "object " + object.id() + " belongs to no task");
    }
    return owner.get();
  }
}
