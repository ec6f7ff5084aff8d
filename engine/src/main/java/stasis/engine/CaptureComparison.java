package stasis.engine;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import stasis.image.Certificate;
import stasis.image.DecodeException;
import stasis.image.Limits;
import stasis.image.ObjectId;
import stasis.image.Schema;
import stasis.image.Value;
import stasis.linux.abi.Bytes;
import stasis.resource.CpuState;
import stasis.resource.FilesState;
import stasis.resource.Host;
import stasis.resource.Kind;
import stasis.resource.TaskState;
import stasis.resource.ZombieState;

/// Whether a tree that was collected is the one that is stored: every object as it is encoded. Ids may be others; two
/// objects are paired by what leads to them, from tasks of the same pid on, and what refers to one must refer to the
/// other.
final class CaptureComparison {
  private static final int SHOWN = 80;

  private final Capture image;
  private final Capture copy;
  private final Host host;
  private final ProvablePart part;
  private final Map<ObjectId, ObjectId> pairs = new LinkedHashMap<>();
  private final Map<ObjectId, ObjectId> backwards = new HashMap<>();
  private final Deque<Pair> next = new ArrayDeque<>();
  private final SortedMap<String, int[]> counts = new TreeMap<>();
  private final List<Difference> differences = new ArrayList<>();

  /// One thing that is not what it was, in words.
  ///
  /// @param subject `task 4711 fd 5 file.regular`
  record Difference(String subject, String what) {
    String text() {
      return subject + ": " + what;
    }
  }

  private record Pair(ObjectId image, ObjectId copy, String subject) {}

  /// @param part of what the copy was made
  CaptureComparison(ProvablePart part, Capture copy, Host host) {
    this.part = part;
    this.image = part.capture();
    this.copy = copy;
    this.host = host;
  }

  /// @return what differs
  List<Difference> differences() {
    seed("task ", ids(image.tasks(), TaskState::ownPid), ids(copy.tasks(), TaskState::ownPid));
    seed("zombie ", ids(image.zombies(), ZombieState::ownPid), ids(copy.zombies(), ZombieState::ownPid));
    while (!next.isEmpty()) {
      visit(next.removeFirst());
    }
    image.items().forEach((id, item) -> {
      if (!pairs.containsKey(id) && !part.isUnseen(id)) {
        differences.add(new Difference(item.kind().schema().name() + " " + id, "it is not in the copy"));
      }
    });
    return List.copyOf(differences);
  }

  /// Each object of the image with the one of the copy that is it.
  Map<ObjectId, ObjectId> pairs() {
    return pairs;
  }

  List<Certificate.Compared> counts() {
    return counts.entrySet().stream().map(
        count -> new Certificate.Compared(count.getKey(), count.getValue()[0], count.getValue()[1])).toList();
  }

  private static <S> SortedMap<Integer, ObjectId> ids(Map<ObjectId, S> all, Function<S, Integer> pid) {
    SortedMap<Integer, ObjectId> ids = new TreeMap<>();
    all.forEach((id, state) -> ids.put(pid.apply(state), id));
    return ids;
  }

  private void seed(String sort, Map<Integer, ObjectId> stored, Map<Integer, ObjectId> found) {
    stored.forEach((pid, id) -> {
      if (found.containsKey(pid)) {
        unify(id, GroupPlan.require(found, pid), sort + pid);
      } else {
        differences.add(new Difference(sort + pid, "it is not in the copy"));
      }
    });
    found.keySet().stream().filter(pid -> !stored.containsKey(pid))
        .forEach(pid -> differences.add(new Difference(sort + pid, "it is in the copy only")));
  }

  /// Both are one thing from here on.
  private void unify(ObjectId a, ObjectId b, String subject) {
    ObjectId known = pairs.putIfAbsent(a, b);
    ObjectId from = backwards.putIfAbsent(b, a);
    if (known == null && from == null) {
      next.addLast(new Pair(a, b, subject));
    } else if (!b.equals(known) || !a.equals(from)) {
      differences.add(new Difference(subject, known == null ? "what are two objects in the image is one in the copy"
          : "what is one object in the image is two in the copy"));
    }
  }

  private void visit(Pair pair) {
    ObjectId a = pair.image();
    ObjectId b = pair.copy();
    if (image.tasks().containsKey(a)) {
      TaskState task = GroupPlan.require(image.tasks(), a);
      compare(pair, CoreSchemas.TASK, task, CoreAgreement.task(task, GroupPlan.require(copy.tasks(), b), image));
      cpu(pair);
    } else if (image.zombies().containsKey(a)) {
      ZombieState zombie = GroupPlan.require(image.zombies(), a);
      compare(pair, CoreSchemas.ZOMBIE, zombie, CoreAgreement.zombie(zombie, GroupPlan.require(copy.zombies(), b),
          image));
    } else if (image.mms().containsKey(a)) {
      optional(pair, CoreSchemas.MM, CoreAgreement.mm(GroupPlan.require(image.mms(), a)),
          Optional.ofNullable(copy.mms().get(b)).map(CoreAgreement::mm));
    } else if (image.files().containsKey(a)) {
      FilesState files = GroupPlan.require(image.files(), a);
      optional(pair, CoreSchemas.FILES, files, Optional.ofNullable(copy.files().get(b)));
    } else if (image.items().containsKey(a)) {
      item(pair, GroupPlan.require(image.items(), a), Optional.ofNullable(copy.items().get(b)));
    }
    aspects(pair);
  }

  private <S extends Record> void optional(Pair pair, Schema<S> schema, S stored, Optional<S> found) {
    if (found.isPresent()) {
      compare(pair, schema, stored, found.get());
    } else {
      differences.add(new Difference(pair.subject(), "it is another sort of object in the copy"));
    }
  }

  private void cpu(Pair pair) {
    Optional<CpuState> stored = Optional.ofNullable(image.cpus().get(pair.image()));
    Optional<CpuState> found = Optional.ofNullable(copy.cpus().get(pair.copy()));
    if (stored.isPresent() && found.isPresent()) {
      compare(new Pair(pair.image(), pair.copy(), pair.subject() + " registers"), CoreSchemas.CPU, stored.get(),
          CoreAgreement.cpu(stored.get(), found.get()));
    } else if (stored.isPresent() != found.isPresent()) {
      differences.add(new Difference(pair.subject(), "only one of the two has registers"));
    }
  }

  private <S extends Record> void item(Pair pair, Capture.Item<S> stored, Optional<Capture.Item<?>> found) {
    if (part.isUnseen(stored.id())) {
      return;
    }
    Kind<S> kind = stored.kind();
    if (found.isEmpty() || !found.get().kind().equals(kind)) {
      differences.add(new Difference(pair.subject(), "it is " + kind.schema().name() + " in the image and "
          + found.map(other -> other.kind().schema().name()).orElse("another sort of object") + " in the copy"));
      return;
    }
    compare(pair, kind.schema(), stored.state(), kind.agreed(stored.state(), Kinded.stateOf(kind, found.get())));
    if (!kind.losses(stored.state(), host).isEmpty()) {
      count(kind.schema().name(), 0, -1);
      count(kind.schema().name(), 1, 1);
    }
  }

  private void count(String kind, int which, int by) {
    counts.computeIfAbsent(kind, _ -> new int[2])[which] += by;
  }

  /// What belongs to both, kind by kind and in their order.
  private void aspects(Pair pair) {
    Map<String, List<ObjectId>> stored = owned(image, pair.image());
    Map<String, List<ObjectId>> found = owned(copy, pair.copy());
    Set<String> without = part.without(pair.image());
    stored.forEach((kind, ids) -> {
      List<ObjectId> others = found.getOrDefault(kind, List.of());
      for (int i = 0; i < Math.min(ids.size(), others.size()); i++) {
        unify(ids.get(i), others.get(i), pair.subject() + " " + kind);
      }
      if (ids.size() != others.size() && !part.isUnseen(ids.getFirst())) {
        differences.add(new Difference(pair.subject() + " " + kind, "the image has " + ids.size()
            + " of them, the copy " + others.size()));
      }
    });
    found.keySet().stream().filter(kind -> !stored.containsKey(kind) && !without.contains(kind)).forEach(
        kind -> differences.add(new Difference(pair.subject() + " " + kind, "it is in the copy only: "
            + shown(GroupPlan.require(copy.items(), GroupPlan.require(found, kind).getFirst()).state().toString()))));
  }

  private static Map<String, List<ObjectId>> owned(Capture capture, ObjectId owner) {
    Map<String, List<ObjectId>> owned = new TreeMap<>();
    capture.items().values().stream().filter(item -> item.owner().filter(owner::equals).isPresent())
        .sorted(Comparator.comparing(Capture.Item::id)).forEach(item -> owned.computeIfAbsent(
            item.kind().schema().name(), _ -> new ArrayList<>()).add(item.id()));
    return owned;
  }

  private <S extends Record> void compare(Pair pair, Schema<S> schema, S stored, S found) {
    int before = differences.size();
    values(pair.subject(), "", read(schema, stored), read(schema, found));
    count(schema.name(), 0, 1);
    if (differences.size() > before) {
      differences.set(before, new Difference(differences.get(before).subject(), schema.name()
          + differences.get(before).what()));
    }
  }

  private static <S extends Record> Value read(Schema<S> schema, S state) {
    try {
      return schema.descriptor().read(schema.encode(state), Limits.DEFAULT);
    } catch (DecodeException e) {
      throw new AssertionError("what was just encoded cannot be read", e);
    }
  }

  private void values(String subject, String field, Value a, Value b) {
    if (a instanceof Value.Whole(String type, long one) && b instanceof Value.Whole(String other, long two)
        && type.equals("ObjectId") && other.equals("ObjectId")) {
      unify(new ObjectId(Math.toIntExact(one)), new ObjectId(Math.toIntExact(two)), subject + field);
    } else if (a instanceof Value.Sequence(var left) && b instanceof Value.Sequence(var right)
        && left.size() == right.size()) {
      for (int i = 0; i < left.size(); i++) {
        values(subject, field + "[" + i + "]", left.get(i), right.get(i));
      }
    } else if (a instanceof Value.Message(_, var left) && b instanceof Value.Message(_, var right)
        && names(left).equals(names(right))) {
      for (int i = 0; i < left.size(); i++) {
        values(subject, field + " " + left.get(i).name(), left.get(i).value(), right.get(i).value());
      }
    } else if (!a.equals(b)) {
      differences.add(new Difference(subject, field + " is " + shown(a) + " in the image and " + shown(b)
          + " in the copy"));
    }
  }

  private static List<String> names(List<Value.Entry> entries) {
    return entries.stream().map(Value.Entry::name).toList();
  }

  private static String shown(Value value) {
    return value instanceof Value.Raw(_, Bytes bytes) && bytes.length() > SHOWN / 2
        ? bytes.length() + " bytes " + Integer.toHexString(bytes.hashCode()) : shown(value.json());
  }

  private static String shown(String text) {
    return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "…";
  }
}
