package stasis.image;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// What must hold between the parts of a statefile, whoever made it.
final class StatefileChecks {
  private final List<SchemaDescriptor> schemas;
  private final List<StoredObject> objects;
  private final List<PageMap> pageMaps;

  StatefileChecks(List<SchemaDescriptor> schemas, List<StoredObject> objects, List<PageMap> pageMaps) {
    this.schemas = schemas;
    this.objects = objects;
    this.pageMaps = pageMaps;
  }

  /// @throws IllegalArgumentException at the first thing that does not hold
  void check() {
    Map<String, ValueReader> readers = new HashMap<>();
    for (SchemaDescriptor schema : schemas) {
      if (readers.put(schema.title(), new ValueReader(schema)) != null) {
        throw new IllegalArgumentException("two schemas are called " + schema.title());
      }
    }
    Map<ObjectId, StoredObject> byId = new HashMap<>();
    for (StoredObject object : objects) {
      if (byId.put(object.id(), object) != null) {
        throw new IllegalArgumentException("two objects are called " + object.id());
      }
    }
    checkOwners(byId);
    objects.forEach(object -> checkState(object, readers, byId));
    checkBodies(byId);
    checkSection();
  }

  private void checkOwners(Map<ObjectId, StoredObject> byId) {
    Set<ObjectId> grounded = new HashSet<>();
    for (StoredObject object : objects) {
      if (object.owner().filter(owner -> !grounded.contains(owner)).isPresent()) {
        checkChain(object, grounded, byId);
      }
      grounded.add(object.id());
    }
  }

  private static void checkChain(StoredObject object, Set<ObjectId> grounded, Map<ObjectId, StoredObject> byId) {
    Set<ObjectId> chain = new HashSet<>();
    Optional<StoredObject> next = Optional.of(object);
    while (next.isPresent() && !grounded.contains(next.get().id())) {
      StoredObject link = next.get();
      if (!chain.add(link.id())) {
        throw new IllegalArgumentException("object " + link.id() + " owns itself");
      }
      if (link.owner().filter(owner -> !byId.containsKey(owner)).isPresent()) {
        throw absent("the owner of " + link.id(), link.owner().get());
      }
      next = link.owner().map(byId::get);
    }
    grounded.addAll(chain);
  }

  private static IllegalArgumentException absent(String role, ObjectId id) {
    return new IllegalArgumentException(role + " is " + id + ", which does not exist");
  }

  private static void checkState(StoredObject object, Map<String, ValueReader> readers,
      Map<ObjectId, StoredObject> byId) {
    String title = object.schemaName() + " v" + object.schemaVersion();
    ValueReader reader = readers.get(title);
    if (reader == null) {
      throw new IllegalArgumentException("object " + object.id() + " is a " + Printable.escaped(title)
          + ", which is not described");
    }
    try {
      checkReferences(reader.read(object.state(), Limits.DEFAULT), object, byId);
    } catch (DecodeException e) {
      throw new IllegalArgumentException("object " + object.id() + ": " + e.getMessage(), e);
    }
  }

  /// Every value of type ObjectId, at any depth, names an object.
  private static void checkReferences(Value value, StoredObject from, Map<ObjectId, StoredObject> byId) {
    switch (value) {
      case Value.Whole(var type, long number) -> {
        if (type.equals(ObjectId.class.getSimpleName())) {
          if (number != (int) number) {
            throw new IllegalArgumentException("object " + from.id() + " refers to #" + number);
          }
          ObjectId id = new ObjectId((int) number);
          if (!byId.containsKey(id)) {
            throw absent("what object " + from.id() + " refers to", id);
          }
        }
      }
      case Value.Message(_, var entries) -> entries.forEach(entry -> checkReferences(entry.value(), from, byId));
      case Value.Sequence(var elements) -> elements.forEach(element -> checkReferences(element, from, byId));
      case Value.Flag _, Value.Text _, Value.Raw _, Value.Unknown _ -> { }
    }
  }

  private void checkBodies(Map<ObjectId, StoredObject> byId) {
    Set<ObjectId> seen = new HashSet<>();
    for (PageMap map : pageMaps) {
      if (!byId.containsKey(map.body())) {
        throw absent("the body of a page map", map.body());
      }
      if (!seen.add(map.body())) {
        throw new IllegalArgumentException("object " + map.body() + " has two page maps");
      }
    }
  }

  /// No byte of the page section is in two runs. Ranges are disjoint when, sorted apart from each other, every start
  /// comes at or after the end before it.
  private void checkSection() {
    List<PageRuns> all = new ArrayList<>();
    pageMaps.forEach(map -> all.add(map.runs()));
    int count = 0;
    for (PageRuns runs : all) {
      count += runs.count();
    }
    long[] starts = new long[count];
    long[] ends = new long[count];
    int next = 0;
    for (PageRuns runs : all) {
      PageRuns.Cursor cursor = runs.cursor();
      while (cursor.hasNext()) {
        PageRun run = cursor.next();
        starts[next] = run.sectionOffset();
        ends[next++] = run.sectionEnd();
      }
    }
    Arrays.sort(starts);
    Arrays.sort(ends);
    for (int i = 1; i < count; i++) {
      if (starts[i] < ends[i - 1]) {
        throw new IllegalArgumentException("two page runs share byte " + starts[i] + " of the page section");
      }
    }
  }
}
