package stasis.kinds;

import java.util.List;
import stasis.resource.BodyKind;
import stasis.resource.FileKind;
import stasis.resource.GroupAspect;
import stasis.resource.KindSet;
import stasis.resource.MappingAspect;
import stasis.resource.MappingKind;
import stasis.resource.TaskAspect;

/// The registry: one line per kind, first match wins. `KindsTest` checks it against the folders.
public final class Kinds {
  private Kinds() {}

  public static KindSet all() {
    return new KindSet(files(), bodies(), mappings(), mappingAspects(), groupAspects(), taskAspects());
  }

  private static List<FileKind<?>> files() {
    return List.of(
    );
  }

  private static List<BodyKind<?>> bodies() {
    return List.of(
    );
  }

  private static List<MappingKind<?>> mappings() {
    return List.of(
    );
  }

  private static List<MappingAspect<?>> mappingAspects() {
    return List.of(
    );
  }

  /// In the order their steps are written within a stage.
  private static List<GroupAspect<?>> groupAspects() {
    return List.of(
    );
  }

  /// In the order their steps are written within a stage.
  private static List<TaskAspect<?>> taskAspects() {
    return List.of(
    );
  }
}
