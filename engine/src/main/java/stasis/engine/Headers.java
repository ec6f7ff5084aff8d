package stasis.engine;

import java.util.List;
import stasis.image.StatefileHeader;
import stasis.linux.sys.Syscalls;
import stasis.resource.Host;

/// Makes the header of a statefile; the clocks are read while the tree stands still.
final class Headers {
  private static final int PAGE_BYTES = 4096;

  private Headers() {}

  static StatefileHeader of(Environment environment, Host host) {
    return new StatefileHeader(List.of(), List.of(), Syscalls.HOST, PAGE_BYTES, environment.kernelRelease(),
        environment.bootId(), environment.hostName(), host.xfeatures(), host.vdsoDigest(),
        environment.realtimeNs().getAsLong(), environment.monotonicNs().getAsLong(),
        environment.boottimeNs().getAsLong(), environment.engineVersion());
  }
}
