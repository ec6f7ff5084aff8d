package stasis.engine;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import stasis.image.ObjectId;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.bpf.KernelRing;
import stasis.resource.HiddenRing;

/// What the kernel keeps of the io_urings the engine has copies of. Requests on their way are waited for, as most
/// complete without the task.
final class HiddenRings {
  private static final int READINGS_MAX = 50;
  private static final long PAUSE_NS = 5_000_000;

  private final HiddenKernel kernel;
  private final Map<Integer, Optional<HiddenRing>> known = new HashMap<>();

  HiddenRings(HiddenKernel kernel) {
    this.kernel = kernel;
  }

  /// @param fd of the engine's copy @param leaders of the groups of the tree
  /// @param copies the engine's copies of all files of the tree
  /// @return empty where BPF is not allowed
  Optional<HiddenRing> at(int fd, List<Tid> leaders, Map<Integer, ObjectId> copies) {
    return known.computeIfAbsent(fd, _ -> settled(fd, leaders, copies));
  }

  private Optional<HiddenRing> settled(int fd, List<Tid> leaders, Map<Integer, ObjectId> copies) {
    Tid self = new Tid(Math.toIntExact(ProcessHandle.current().pid()));
    List<Integer> others = List.copyOf(copies.keySet());
    try {
      Optional<KernelRing> ring = kernel.ring(self, fd, others, leaders);
      for (int i = 0; i < READINGS_MAX && ring.filter(seen -> !seen.parts().isEmpty()).isPresent(); i++) {
        LockSupport.parkNanos(PAUSE_NS);
        ring = kernel.ring(self, fd, others, leaders);
      }
      return ring.map(seen -> hidden(seen, copies));
    } catch (SyscallException e) {
      // As where BPF is not allowed: the kind says what cannot be seen.
      return Optional.empty();
    }
  }

  private static HiddenRing hidden(KernelRing ring, Map<Integer, ObjectId> copies) {
    KernelRing.Counters at = ring.counters();
    return new HiddenRing(ring.flags(), ring.parts(),
        new HiddenRing.Counters(at.sqHead(), at.sqTail(), at.cqHead(), at.cqTail()), ring.issuer(),
        ring.files().stream().map(slot -> new HiddenRing.Slot(slot.index(), file(slot.fd(), copies))).toList(),
        ring.event().map(event -> new HiddenRing.Event(file(event.fd(), copies), event.async())));
  }

  private static Optional<ObjectId> file(OptionalInt fd, Map<Integer, ObjectId> copies) {
    return fd.isPresent() ? Optional.ofNullable(copies.get(fd.getAsInt())) : Optional.empty();
  }
}
