package stasis.engine;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.SyscallException;
import stasis.linux.bpf.KernelQueues;
import stasis.linux.bpf.KernelSocket;
import stasis.linux.sys.Self;
import stasis.resource.HiddenQueues;
import stasis.resource.HiddenSocket;
import stasis.resource.ObstructedException;

/// What the kernel keeps of the sockets the engine has copies of: all of a tree's, those in flight too. Read once for
/// all that are there when the first is asked for.
final class HiddenSockets {
  private static final String AGAIN = "try again";

  private final HiddenKernel kernel;
  private final Map<Long, KernelSocket> known = new HashMap<>();

  HiddenSockets(HiddenKernel kernel) {
    this.kernel = kernel;
  }

  /// @return empty where BPF is not allowed, and for no internet socket
  Optional<HiddenSocket> at(long inode) {
    return known(inode).map(socket -> new HiddenSocket(socket.sharersProgram(),
        socket.policies(), socket.busyPollBudget(), socket.multicastIndex(), socket.multicastAddress(),
        socket.stickyInfo(), socket.fragmentBytes(), socket.flowLabels(), socket.anycast(), socket.keyed(),
        socket.segmentBytes(), socket.shutdown(), socket.stream().map(stream -> new HiddenSocket.Stream(stream.urgent(),
            stream.urgentAt(), stream.readTo(), stream.urgentSentTo(), stream.acknowledged(),
            stream.openingData()))));
  }

  /// @param subject whose it is
  /// @return empty as above, and where the kernel keeps queues in a way that is not known
  Optional<HiddenQueues> queues(long inode, String subject) {
    return known(inode).flatMap(socket -> kernel.queues().map(queues -> new Queues(queues, socket.address(), subject)));
  }

  private Optional<KernelSocket> known(long inode) {
    if (!known.containsKey(inode)) {
      try {
        known.putAll(kernel.sockets(Self.pid()));
      } catch (SyscallException e) {
        // As where BPF is not allowed: the kind tells what it then cannot see.
        return Optional.empty();
      }
    }
    return Optional.ofNullable(known.get(inode));
  }

  /// @param address of the socket in the kernel
  private record Queues(KernelQueues kernel, long address, String subject) implements HiddenQueues {
    @Override
    public List<Waiting> unaccepted() throws ObstructedException {
      try {
        return kernel.unaccepted(address).stream().map(one -> new Waiting(one.state(), one.host(), one.port(),
            one.peerHost(), one.peerPort(), one.interfaceIndex(), one.received(), one.unread())).toList();
      } catch (SyscallException e) {
        throw new ObstructedException(subject, e, AGAIN);
      }
    }

    @Override
    public List<Arrived> datagrams() throws ObstructedException {
      try {
        return kernel.datagrams(address).stream().map(one -> new Arrived(one.host(), one.port(), one.lengthBytes()))
            .toList();
      } catch (SyscallException e) {
        throw new ObstructedException(subject, e, AGAIN);
      }
    }

    @Override
    public Bytes received(int first, int end) throws ObstructedException {
      try {
        return kernel.stream(address, first, end);
      } catch (SyscallException e) {
        throw new ObstructedException(subject, e, AGAIN);
      }
    }

    @Override
    public Bytes multipath(long first, int lengthBytes) throws ObstructedException {
      try {
        return kernel.multipath(address, first, lengthBytes);
      } catch (SyscallException e) {
        throw new ObstructedException(subject, e, AGAIN);
      }
    }

    @Override
    public Optional<Corked> corked() throws ObstructedException {
      try {
        return kernel.corked(address)
            .map(one -> new Corked(one.peerHost(), one.peerPort(), one.payload(), one.plain()));
      } catch (SyscallException e) {
        throw new ObstructedException(subject, e, AGAIN);
      }
    }
  }
}
