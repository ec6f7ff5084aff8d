package stasis.resource;

import java.util.List;
import stasis.image.ObjectId;

/// A body and the ways that lead to it.
public interface BodyView {
  ObjectId id();

  BodyKey key();

  /// Every collected file on this body.
  List<OpenFile> files();

  /// Every mapping on this body.
  List<Mapping> mappings();

  /// Every group that named it as a thing of its own.
  default List<FrozenGroup> groups() {
    return List.of();
  }

  String subject();
}
