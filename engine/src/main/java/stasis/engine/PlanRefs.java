package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.FilesState;
import stasis.resource.Host;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.ZombieState;

/// What the program under construction has made so far, as one process sees it.
final class PlanRefs implements Refs {
  private final Capture capture;
  private final ObjectId leader;
  private final int imageFd;
  private final Map<ObjectId, RemoteAddress> holes;
  private final Made made;
  private final Host host;
  private final boolean copy;
  private Optional<Map<ObjectId, List<Fd>>> places = Optional.empty();

  /// @param copy whether the process is born with its parent's memory and keeps it
  PlanRefs(Capture capture, ObjectId leader, int imageFd, Map<ObjectId, RemoteAddress> holes, Made made,
      Host host, boolean copy) {
    this.capture = capture;
    this.leader = leader;
    this.imageFd = imageFd;
    this.holes = Map.copyOf(holes);
    this.made = made;
    this.host = host;
    this.copy = copy;
  }

  @Override
  public Ref<Fd> fd(ObjectId object) {
    return made.ref(object);
  }

  @Override
  public Fd kept(ObjectId file) {
    return made.fd(file);
  }

  @Override
  public PathBytes path(ObjectId body) {
    return PathBytes.of("/proc/self/fd/" + made.fd(body));
  }

  @Override
  public Fd stdio(int number) {
    return StubFiles.stdio(imageFd, number);
  }

  @Override
  public void note(ObjectId forWhom, Ref<?> step) {
    made.note(forWhom, "", step);
  }

  @Override
  public Optional<Ref<?>> noted(ObjectId forWhom) {
    return made.noted(forWhom, "");
  }

  @Override
  public void note(ObjectId body, String name, Ref<?> step) {
    made.note(body, name, step);
  }

  @Override
  public Ref<?> noted(ObjectId body, String name) {
    return made.noted(body, name).orElseThrow(
        () -> new IllegalStateException(body + " has noted no step " + name));
  }

  @Override
  public boolean isFree(PathBytes path) {
    return made.isFree(path);
  }

  @Override
  public Fd spare() {
    return Planner.spare(capture, imageFd);
  }

  @Override
  public RemoteAddress hole(ObjectId body) {
    return GroupPlan.require(holes, body);
  }

  @Override
  public List<Fd> places(ObjectId file) {
    if (places.isEmpty()) {
      Map<ObjectId, List<Fd>> found = new HashMap<>();
      ObjectId table = GroupPlan.require(capture.tasks(), leader).files();
      for (FilesState.Entry entry : GroupPlan.require(capture.files(), table).entries()) {
        found.computeIfAbsent(entry.file(), _ -> new ArrayList<>()).add(entry.fd());
      }
      places = Optional.of(found);
    }
    return List.copyOf(places.get().getOrDefault(file, List.of()));
  }

  @Override
  public Host host() {
    return host;
  }

  @Override
  public int pidOf(ObjectId task) {
    ZombieState zombie = capture.zombies().get(task);
    return zombie != null ? zombie.ownPid() : GroupPlan.require(capture.tasks(), task).ownPid();
  }

  @Override
  public boolean hasItsProgram() {
    return copy || !host.setsProgram();
  }
}
