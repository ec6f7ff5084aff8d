package stasis.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.image.LossRow;
import stasis.image.ObjectId;
import stasis.image.PageMap;
import stasis.image.Schema;
import stasis.image.SchemaDescriptor;
import stasis.image.Statefile;
import stasis.image.StatefileHeader;
import stasis.image.StoredObject;
import stasis.resource.KindSet;

/// A capture as the metadata of a statefile. Same capture in, same bytes out.
final class Encoder {
  private final KindSet kinds;

  Encoder(KindSet kinds) {
    this.kinds = kinds;
  }

  /// @param more objects beside the tree
  Statefile encode(StatefileHeader header, Capture capture, List<LossRow> losses, List<PageMap> pages,
      List<StoredObject> more) {
    var objects = new ArrayList<>(more);
    capture.tasks().forEach((id, task) ->
        objects.add(StoredObject.of(id, CoreSchemas.TASK, task,
            Optional.of(task.leader()).filter(leader -> !leader.equals(id)))));
    capture.mms().forEach((id, mm) -> objects.add(StoredObject.of(id, CoreSchemas.MM, mm, Optional.empty())));
    capture.files().forEach((id, files) ->
        objects.add(StoredObject.of(id, CoreSchemas.FILES, files, Optional.empty())));
    capture.zombies().forEach((id, zombie) ->
        objects.add(StoredObject.of(id, CoreSchemas.ZOMBIE, zombie, Optional.empty())));
    capture.items().values().forEach(item -> objects.add(stored(item)));
    int next = objects.stream().mapToInt(object -> object.id().value()).max().orElse(0);
    for (var cpu : capture.cpus().entrySet()) {
      next++;
      objects.add(StoredObject.of(new ObjectId(next), CoreSchemas.CPU, cpu.getValue(), Optional.of(cpu.getKey())));
    }
    return new Statefile(header, schemas(objects), objects, losses, pages);
  }

  private static <S extends Record> StoredObject stored(Capture.Item<S> item) {
    return StoredObject.of(item.id(), item.kind().schema(), item.state(), item.owner());
  }

  /// Only those in use: a viewer needs no others.
  private List<SchemaDescriptor> schemas(List<StoredObject> objects) {
    var names = objects.stream().map(StoredObject::schemaName).collect(java.util.stream.Collectors.toSet());
    var all = new ArrayList<Schema<?>>(CoreSchemas.all());
    kinds.all().forEach(kind -> all.add(kind.schema()));
    return all.stream().filter(schema -> names.contains(schema.name())).<SchemaDescriptor>map(Schema::descriptor)
        .toList();
  }
}
