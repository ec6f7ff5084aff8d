package stasis.resource;

import java.util.List;

/// Every kind an engine works with, in match order. The apps hand it to the engine.
public record KindSet(List<FileKind<?>> files, List<DescriptionAspect<?>> descriptionAspects,
    List<BodyKind<?>> bodies, List<MappingKind<?>> mappings, List<MappingAspect<?>> mappingAspects,
    List<GroupAspect<?>> groupAspects, List<TaskAspect<?>> taskAspects) {
  public KindSet {
    files = List.copyOf(files);
    descriptionAspects = List.copyOf(descriptionAspects);
    bodies = List.copyOf(bodies);
    mappings = List.copyOf(mappings);
    mappingAspects = List.copyOf(mappingAspects);
    groupAspects = List.copyOf(groupAspects);
    taskAspects = List.copyOf(taskAspects);
  }

  /// All of them.
  public List<Kind<?>> all() {
    var all = new java.util.ArrayList<Kind<?>>(files);
    all.addAll(descriptionAspects);
    all.addAll(bodies);
    all.addAll(mappings);
    all.addAll(mappingAspects);
    all.addAll(groupAspects);
    all.addAll(taskAspects);
    return List.copyOf(all);
  }
}
