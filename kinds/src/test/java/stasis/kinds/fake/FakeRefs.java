package stasis.kinds.fake;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Host;
import stasis.resource.Ref;
import stasis.resource.Refs;

/// Refs of a made-up program: object n was made by step 1000 + n, is kept at fd 100 + n and placed at fd n; the pid of
/// object n is 4710 + n, standard descriptors are at 50 to 52, 200 is spare, and paths
/// that end in 1 are free.
public final class FakeRefs implements Refs {
  private final Map<ObjectId, Ref<?>> notes = new HashMap<>();
  private final Map<String, Ref<?>> named = new HashMap<>();

  @Override
  public Ref<Fd> fd(ObjectId object) {
    return new Ref<>(1000 + object.value());
  }

  @Override
  public List<Fd> places(ObjectId file) {
    return List.of(new Fd(file.value()));
  }

  @Override
  public PathBytes path(ObjectId body) {
    return PathBytes.of("/proc/self/fd/" + (100 + body.value()));
  }

  @Override
  public Fd stdio(int number) {
    return new Fd(50 + number);
  }

  @Override
  public void note(ObjectId body, Ref<?> step) {
    notes.put(body, step);
  }

  @Override
  public Optional<Ref<?>> noted(ObjectId body) {
    return Optional.of(notes.getOrDefault(body, new Ref<>(2000 + body.value())));
  }

  @Override
  public void note(ObjectId body, String name, Ref<?> step) {
    named.put(body + " " + name, step);
  }

  @Override
  public Ref<?> noted(ObjectId body, String name) {
    return named.getOrDefault(body + " " + name, new Ref<>(3000 + body.value()));
  }

  @Override
  public boolean isFree(PathBytes path) {
    return path.latin1().endsWith("1");
  }

  @Override
  public Fd spare() {
    return new Fd(200);
  }

  @Override
  public RemoteAddress hole(ObjectId body) {
    throw new IllegalStateException(body + " has no hole");
  }

  @Override
  public Host host() {
    return new FakeHost();
  }

  @Override
  public int pidOf(ObjectId task) {
    return 4710 + task.value();
  }

  @Override
  public Fd kept(ObjectId file) {
    return new Fd(100 + file.value());
  }

  @Override
  public boolean hasItsProgram() {
    return false;
  }
}
