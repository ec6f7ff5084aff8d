package stasis.engine;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.LockSupport;
import stasis.image.ObjectId;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.bpf.KernelRing;
import stasis.linux.bpf.KernelWatch;
import stasis.linux.sys.Self;
import stasis.resource.Arg;
import stasis.resource.HiddenFaults;
import stasis.resource.HiddenMessage;
import stasis.resource.HiddenNotice;
import stasis.resource.HiddenRing;
import stasis.resource.ObstructedException;
import stasis.resource.Question;

/// What the kernel keeps of the io_urings the engine has copies of. Requests on their way are waited for: most need
/// their task only to say that they have completed, which it does on its way out of any call (io_uring/io_uring.c,
/// io_req_task_work_add()), of a ring that defers even that in io_uring_enter(2).
final class HiddenRings {
  private static final int READINGS_MAX = 50;
  private static final long PAUSE_NS = 5_000_000;

  private static final int ENTER_GETEVENTS = 1;

  private final HiddenKernel kernel;
  private final Map<Tid, Answerer> answerers;
  private final Map<Integer, Optional<HiddenRing>> known = new HashMap<>();

  /// @param answerers for each thread of the tree
  HiddenRings(HiddenKernel kernel, Map<Tid, Answerer> answerers) {
    this.kernel = kernel;
    this.answerers = Map.copyOf(answerers);
  }

  /// @param fd of the engine's copy @param seat where the program has it @param leaders of the groups of the tree
  /// @param copies the engine's copies of all files of the tree
  /// @return empty where BPF is not allowed
  Optional<HiddenRing> at(int fd, SharedFiles.Seat seat, List<Tid> leaders, Map<Integer, ObjectId> copies) {
    return known.computeIfAbsent(fd, _ -> settled(fd, seat, leaders, copies));
  }

  /// The same of a userfaultfd.
  Optional<HiddenFaults> faults(int fd, Tid holder) {
    try {
      return kernel.faults(Self.pid(), fd, holder)
          .map(seen -> new HiddenFaults(seen.userModeOnly(), seen.watches()));
    } catch (SyscallException e) {
      // As where BPF is not allowed: the kind says what cannot be seen.
      return Optional.empty();
    }
  }

  /// The same of a POSIX message queue.
  Optional<HiddenNotice> notice(int fd) {
    try {
      return kernel.notice(Self.pid(), fd)
          .map(seen -> new HiddenNotice(seen.sort(), seen.signal(), seen.value(), seen.cookie(),
              seen.socketInode()));
    } catch (SyscallException e) {
      // As above.
      return Optional.empty();
    }
  }

  /// The same of an eventfd.
  Optional<Integer> eventfdFlags(int fd) {
    try {
      return kernel.eventfdFlags(Self.pid(), fd);
    } catch (SyscallException e) {
      // As above.
      return Optional.empty();
    }
  }

  /// Signals asked for through these tasks' tables when something changes in a directory.
  Optional<List<KernelWatch>> watches(int fd, List<Tid> tasks) {
    try {
      return kernel.watches(Self.pid(), fd, tasks);
    } catch (SyscallException e) {
      // As above.
      return Optional.empty();
    }
  }

  /// What waits in a POSIX message queue.
  Optional<List<HiddenMessage>> messages(int fd) {
    try {
      return kernel.messages(Self.pid(), fd)
          .map(all -> all.stream().map(seen -> new HiddenMessage(seen.priority(), seen.text())).toList());
    } catch (SyscallException e) {
      // As above.
      return Optional.empty();
    }
  }

  private Optional<HiddenRing> settled(int fd, SharedFiles.Seat seat, List<Tid> leaders,
      Map<Integer, ObjectId> copies) {
    Tid self = Self.pid();
    List<Integer> others = List.copyOf(copies.keySet());
    try {
      Optional<KernelRing> ring = kernel.ring(self, fd, others, leaders);
      for (int i = 0; i < READINGS_MAX && ring.filter(seen -> !seen.parts().isEmpty()).isPresent(); i++) {
        if (Integer.bitCount(i) <= 1) {
          drain(ring.get(), seat);
        }
        LockSupport.parkNanos(PAUSE_NS);
        ring = kernel.ring(self, fd, others, leaders);
      }
      return ring.map(seen -> hidden(seen, copies));
    } catch (SyscallException e) {
      // As where BPF is not allowed: the kind says what cannot be seen.
      return Optional.empty();
    }
  }

  /// Each thread that waits for completions makes a call that waits for none. Elsewhere the number means nothing, or
  /// another ring: then it only comes out of a call.
  private void drain(KernelRing ring, SharedFiles.Seat seat) {
    Answerer holder = answerers.get(seat.task());
    for (Tid thread : ring.busy()) {
      Answerer answerer = answerers.get(thread);
      if (answerer != null) {
        try {
          int fd = answerer.equals(holder) ? seat.fd().value() : -1;
          answerer.ask(thread, List.of(Question.of(Nr.IO_URING_ENTER, Arg.imm(fd), Arg.imm(0), Arg.imm(0),
              Arg.imm(ENTER_GETEVENTS))));
        } catch (ObstructedException e) {
          // What stays on its way is refused by name.
        }
      }
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
