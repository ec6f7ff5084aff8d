package stasis.engine;

import java.util.Optional;
import stasis.image.ObjectId;
import stasis.resource.Kind;

/// Where a described object goes.
interface Sink {
  <S extends Record> void put(ObjectId id, Kind<S> kind, S state, Optional<ObjectId> owner, String subject);
}
