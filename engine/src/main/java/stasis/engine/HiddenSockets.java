package stasis.engine;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.bpf.KernelSocket;
import stasis.resource.HiddenSocket;

/// What the kernel keeps of the sockets the engine has copies of: all of a tree's, those in flight too. Read once for
/// all that are there when the first is asked for.
final class HiddenSockets {
  private final HiddenKernel kernel;
  private final Map<Long, KernelSocket> known = new HashMap<>();

  HiddenSockets(HiddenKernel kernel) {
    this.kernel = kernel;
  }

  /// @return empty where BPF is not allowed, and for no internet socket
  Optional<HiddenSocket> at(long inode) {
    if (!known.containsKey(inode)) {
      try {
        known.putAll(kernel.sockets(new Tid(Math.toIntExact(ProcessHandle.current().pid()))));
      } catch (SyscallException e) {
        // As where BPF is not allowed: the kind tells what it then cannot see.
        return Optional.empty();
      }
    }
    return Optional.ofNullable(known.get(inode)).map(socket -> new HiddenSocket(socket.sharersProgram(),
        socket.policies(), socket.busyPollBudget(), socket.multicastIndex(), socket.multicastAddress(),
        socket.stickyInfo(), socket.fragmentBytes(), socket.flowLabels(), socket.anycast(), socket.keyed(),
        socket.segmentBytes(), socket.shutdown()));
  }
}
