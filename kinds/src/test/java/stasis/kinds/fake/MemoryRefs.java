package stasis.kinds.fake;

import java.util.List;
import java.util.Optional;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Host;
import stasis.resource.Ref;
import stasis.resource.Refs;

/// Refs of a program in which step 0 made every body: body n is fd 1000 + n, or lies at n GiB.
public final class MemoryRefs implements Refs {
  private static final int FIRST_FD = 1000;

  private final Host host;

  /// On a host that has nothing.
  public MemoryRefs() {
    this(new MemoryHost());
  }

  public MemoryRefs(Host host) {
    this.host = host;
  }

  @Override
  public Ref<Fd> fd(ObjectId object) {
    return new Ref<>(0);
  }

  @Override
  public List<Fd> places(ObjectId file) {
    return List.of();
  }

  @Override
  public PathBytes path(ObjectId body) {
    return PathBytes.of("/proc/self/fd/" + (FIRST_FD + body.value()));
  }

  @Override
  public RemoteAddress hole(ObjectId body) {
    return new RemoteAddress((long) body.value() << 30);
  }

  @Override
  public Fd stdio(int number) {
    throw new IllegalStateException("memory has no standard descriptors");
  }

  @Override
  public void note(ObjectId body, Ref<?> step) {
    // Nothing asks for it.
  }

  @Override
  public Optional<Ref<?>> noted(ObjectId body) {
    return Optional.empty();
  }

  @Override
  public void note(ObjectId body, String name, Ref<?> step) {
    throw new IllegalStateException("no body of memory notes a step");
  }

  @Override
  public Ref<?> noted(ObjectId body, String name) {
    throw new IllegalStateException(body + " has noted no step");
  }

  @Override
  public boolean isFree(PathBytes path) {
    throw new IllegalStateException("memory has no paths");
  }

  @Override
  public Fd spare() {
    throw new IllegalStateException("memory keeps no descriptors");
  }

  @Override
  public Host host() {
    return host;
  }

  @Override
  public int pidOf(ObjectId task) {
    throw new IllegalStateException("memory has no pid");
  }

  @Override
  public Fd kept(ObjectId file) {
    return new Fd(FIRST_FD + file.value());
  }

  @Override
  public boolean hasItsProgram() {
    return false;
  }
}
