package stasis.engine;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.FilesState;
import stasis.resource.Ref;
import stasis.resource.Refs;

/// What the program under construction has made so far, for one thread group.
final class PlanRefs implements Refs {
  private final Capture capture;
  private final ObjectId leader;
  private final int imageFd;
  private final Map<ObjectId, RemoteAddress> holes;
  private final Map<ObjectId, Fd> fds = new HashMap<>();
  private final Map<ObjectId, Ref<Fd>> refs = new HashMap<>();
  private final Map<ObjectId, Ref<?>> notes = new HashMap<>();
  private final Set<ObjectId> mapped = new HashSet<>();
  private final Set<ObjectId> begun = new HashSet<>();

  PlanRefs(Capture capture, ObjectId leader, int imageFd, Map<ObjectId, RemoteAddress> holes) {
    this.capture = capture;
    this.leader = leader;
    this.imageFd = imageFd;
    this.holes = Map.copyOf(holes);
  }

  boolean isMade(ObjectId id) {
    return fds.containsKey(id) || mapped.contains(id);
  }

  /// @throws IllegalStateException when `id` needs itself
  void begin(ObjectId id) {
    if (!begun.add(id)) {
      throw new IllegalStateException("object " + id + " needs itself");
    }
  }

  /// @param lifted the call that put it at `fd`
  void made(ObjectId id, Fd fd, Ref<Fd> lifted) {
    fds.put(id, fd);
    refs.put(id, lifted);
  }

  void mapped(ObjectId id) {
    mapped.add(id);
  }

  /// Where the planner keeps it.
  Fd lifted(ObjectId object) {
    Fd fd = fds.get(object);
    if (fd == null) {
      throw new IllegalStateException(object + " has no fd: it was not named in needs()");
    }
    return fd;
  }

  @Override
  public Ref<Fd> fd(ObjectId object) {
    lifted(object);
    return GroupPlan.require(refs, object);
  }

  @Override
  public PathBytes path(ObjectId body) {
    return PathBytes.of("/proc/self/fd/" + lifted(body));
  }

  @Override
  public Fd stdio(int number) {
    return StubFiles.stdio(imageFd, number);
  }

  @Override
  public void note(ObjectId forWhom, Ref<?> step) {
    notes.put(forWhom, step);
  }

  @Override
  public Optional<Ref<?>> noted(ObjectId forWhom) {
    return Optional.ofNullable(notes.get(forWhom));
  }

  @Override
  public RemoteAddress hole(ObjectId body) {
    return GroupPlan.require(holes, body);
  }

  @Override
  public List<Fd> places(ObjectId file) {
    ObjectId table = GroupPlan.require(capture.tasks(), leader).files();
    return GroupPlan.require(capture.files(), table).entries().stream()
        .filter(entry -> entry.file().equals(file)).map(FilesState.Entry::fd).toList();
  }

  @Override
  public int pidOf(ObjectId task) {
    return GroupPlan.require(capture.tasks(), task).ownPid();
  }
}
