package stasis.cli.start;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.DecodeException;
import stasis.image.Fields;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.PageRun;
import stasis.image.Statefile;
import stasis.image.StoredObject;
import stasis.repository.ImageException;
import stasis.repository.ImageReader;

/// The image of a resting engine, as far as a start needs it.
final class StartImage {
  private final Statefile statefile;

  StartImage(ImageReader reader) throws ImageException, DecodeException {
    statefile = Statefile.decode(reader.metadata(), reader.pageBytes(), Limits.DEFAULT);
  }

  /// The one object of a schema. @throws UnfitException for none, or several
  Fields one(String schema) throws DecodeException, UnfitException {
    List<StoredObject> all = statefile.objects(schema);
    if (all.size() != 1) {
      throw new UnfitException("it has " + all.size() + " of " + schema);
    }
    return Fields.of(statefile, all.getFirst());
  }

  List<ObjectId> tasks() {
    return statefile.objects("core.task").stream().map(StoredObject::id).toList();
  }

  /// What a task has of a schema.
  Fields of(ObjectId task, String schema) throws DecodeException, UnfitException {
    return maybe(task, schema).orElseThrow(() -> new UnfitException(task + " has no " + schema));
  }

  Optional<Fields> maybe(ObjectId task, String schema) throws DecodeException {
    for (StoredObject object : statefile.objects(schema)) {
      if (object.owner().equals(Optional.of(task))) {
        return Optional.of(Fields.of(statefile, object));
      }
    }
    return Optional.empty();
  }

  record Kinded(String schema, Fields fields) {}

  Kinded object(Optional<ObjectId> id) throws DecodeException, UnfitException {
    Optional<StoredObject> object = id.flatMap(statefile::object);
    if (object.isEmpty()) {
      throw new UnfitException("an object is missing");
    }
    return new Kinded(object.get().schemaName(), Fields.of(statefile, object.get()));
  }

  /// Contents of its memory.
  List<PageRun> runs() throws UnfitException {
    if (statefile.pageMaps().size() != 1) {
      throw new UnfitException("it has memory of its own besides");
    }
    return new ArrayList<>(statefile.pageMaps().getFirst().runs().list());
  }
}
