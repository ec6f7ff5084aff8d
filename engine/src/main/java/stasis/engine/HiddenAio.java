package stasis.engine;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.bpf.KernelAio;
import stasis.resource.AioContext;

/// The contexts for asynchronous I/O of frozen mms, each read once. Requests in flight are waited for, as what was
/// begun completes without the task; a poll on what nobody else makes ready never does.
final class HiddenAio {
  private static final int READINGS_MAX = 100;
  private static final long PAUSE_NS = 5_000_000;

  private final HiddenKernel kernel;
  private final Map<Tid, Optional<List<AioContext>>> known = new HashMap<>();

  HiddenAio(HiddenKernel kernel) {
    this.kernel = kernel;
  }

  /// @return empty where BPF is not allowed
  Optional<List<AioContext>> of(Tid task) {
    return known.computeIfAbsent(task, this::settled);
  }

  private Optional<List<AioContext>> settled(Tid task) {
    try {
      Optional<List<KernelAio>> contexts = kernel.aio(task);
      for (int i = 0; i < READINGS_MAX && contexts.stream().flatMap(List::stream).anyMatch(c -> c.inFlight() != 0);
          i++) {
        LockSupport.parkNanos(PAUSE_NS);
        contexts = kernel.aio(task);
      }
      return contexts.map(found -> found.stream()
          .map(context -> new AioContext(context.ring(), context.events(), context.inFlight())).toList());
    } catch (SyscallException e) {
      // As where BPF is not allowed: the kind says what cannot be seen.
      return Optional.empty();
    }
  }
}
