package stasis.kinds.fake;

import java.util.List;
import stasis.image.ObjectId;
import stasis.linux.abi.Fd;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Ref;
import stasis.resource.Refs;

/// Refs of a program without files or bodies: the pid of object n is 4710 + n.
public final class FakeRefs implements Refs {
  @Override
  public Ref<Fd> fd(ObjectId object) {
    throw new IllegalStateException(object + " was never made");
  }

  @Override
  public List<Fd> places(ObjectId file) {
    return List.of();
  }

  @Override
  public PathBytes path(ObjectId body) {
    throw new IllegalStateException(body + " was never made");
  }

  @Override
  public RemoteAddress hole(ObjectId body) {
    throw new IllegalStateException(body + " has no hole");
  }

  @Override
  public int pidOf(ObjectId task) {
    return 4710 + task.value();
  }
}
