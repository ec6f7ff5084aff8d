package stasis.image;

import java.util.Optional;
import stasis.linux.abi.Bytes;

/// One kernel object as a statefile holds it.
///
/// @param state a record of that schema; stays as it was read, fields of a newer engine included
/// @param owner the object it is part of, if it is not shared: a task's registers, a task's timers
public record StoredObject(@Tag(1) ObjectId id, @Tag(2) String schemaName, @Tag(3) int schemaVersion,
    @Tag(4) Bytes state, @Tag(5) Optional<ObjectId> owner) {

  public static <S extends Record> StoredObject of(ObjectId id, Schema<S> schema, S state, Optional<ObjectId> owner) {
    return new StoredObject(id, schema.name(), schema.version(), schema.encode(state), owner);
  }
}
