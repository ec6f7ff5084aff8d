package stasis.engine;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.linux.sys.Userfault;
import stasis.procfs.Proc;
import stasis.procfs.ProcAbsentException;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.repository.ImageIdentity;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Keeper;
import stasis.tracee.stub.KeeperFd;
import stasis.tracee.stub.Operand;
import stasis.tracee.stub.Outcome;
import stasis.tracee.stub.Slot;

/// The process that keeps a tree tracked from one command to the next: a keeper that holds a userfaultfd of each of its
/// mms, and a memfd that says what they are of ([TrackedState]). It ends with the root of the tree. When it is killed
/// the kernel lets go of the memory, and tracking is over.
final class TrackingHolder implements AutoCloseable {
  private static final String NAME = "stasis-tracker";
  private static final String MEMFD = "stasis-tracking";
  private static final int MFD_CLOEXEC = 1;
  private static final int PR_SET_NAME = 15;
  private static final int SIGKILL = 9;
  private static final int WNOHANG = 1;
  private static final short POLLIN = 1;
  private static final long ENDS_WITHIN_S = 10;
  private static final int STATE_BYTES_MAX = 16 << 20;

  private final TrackedState state;
  private final long pidfd;

  private TrackingHolder(TrackedState state, long pidfd) {
    this.state = state;
    this.pidfd = pidfd;
  }

  /// Looks for the holder of this tree. Only one of our own user counts: what it says decides whose pages an image
  /// refers to.
  static Optional<TrackingHolder> find(Proc proc, Tid root) throws ProcException, SyscallException {
    long start = start(proc, root);
    return find(proc, known -> known.root().equals(root) && known.rootStart() == start);
  }

  private static Optional<TrackingHolder> find(Proc proc, Predicate<TrackedState> wanted)
      throws ProcException, SyscallException {
    for (Tid task : proc.tgids()) {
      Optional<TrackingHolder> holder = at(proc, task, wanted);
      if (holder.isPresent()) {
        return holder;
      }
    }
    return Optional.empty();
  }

  /// Whether memory of a task may be registered with a userfaultfd of ours: a holder says so, or this process has one
  /// open.
  static boolean registers(Proc proc, Tid task) throws SyscallException {
    try {
      if (hasUserfaultfd(proc.task(new Tid((int) Syscalls.call(Nr.GETPID))))) {
        return true;
      }
      long start = start(proc, task);
      Optional<TrackingHolder> holder = find(proc, known -> known.mms().stream()
          .anyMatch(mm -> mm.task().equals(task) && mm.start() == start));
      holder.ifPresent(TrackingHolder::close);
      return holder.isPresent();
    } catch (ProcException e) {
      return false;
    }
  }

  private static boolean hasUserfaultfd(ProcTask self) throws ProcException {
    for (Fd fd : self.fds()) {
      try {
        if (self.fdLink(fd).target().latin1().equals("anon_inode:[userfaultfd]")) {
          return true;
        }
      } catch (ProcAbsentException e) {
        // closed meanwhile, as that of the listing itself
      }
    }
    return false;
  }

  static long start(Proc proc, Tid task) throws ProcException {
    return proc.task(task).stat().startTime();
  }

  private static Optional<TrackingHolder> at(Proc proc, Tid task, Predicate<TrackedState> wanted)
      throws SyscallException {
    ProcTask holder = proc.task(task);
    try {
      if (!new String(holder.comm().toArray(), StandardCharsets.ISO_8859_1).equals(NAME)
          || holder.status().uid().effective() != Syscalls.call(Nr.GETEUID)) {
        return Optional.empty();
      }
      // One that this process started, and that has ended, waits for us.
      Syscalls.call(Nr.WAIT4, task.value(), 0, WNOHANG, 0);
      for (Fd fd : holder.fds()) {
        if (!holder.fdLink(fd).target().latin1().startsWith("/memfd:" + MEMFD)) {
          continue;
        }
        long pidfd = Syscalls.require("open a pidfd of task " + task, Nr.PIDFD_OPEN, task.value(), 0);
        Optional<TrackedState> state = read(pidfd, fd).filter(wanted);
        if (state.isPresent()) {
          return Optional.of(new TrackingHolder(state.get(), pidfd));
        }
        Syscalls.call(Nr.CLOSE, pidfd);
      }
    } catch (ProcException e) {
      // It has ended meanwhile, or is not ours to look at.
    }
    return Optional.empty();
  }

  private static Optional<TrackedState> read(long pidfd, Fd remote) throws SyscallException {
    try (OwnCopy memfd = OwnCopy.of((int) pidfd, remote, "a holder's memory of what is tracked");
        Arena arena = Arena.ofConfined()) {
      long size = Syscalls.require("size of what is tracked", Nr.LSEEK, memfd.fd(), 0, 2);
      if (size <= 0 || size > STATE_BYTES_MAX) {
        return Optional.empty();
      }
      MemorySegment text = arena.allocate(size);
      long got = Syscalls.require("read what is tracked", Nr.PREAD64, memfd.fd(), text.address(), size, 0);
      return got == size ? TrackedState.decode(Bytes.of(text.asByteBuffer())) : Optional.empty();
    }
  }

  TrackedState state() {
    return state;
  }

  /// Our own copy of one that it holds.
  Userfault userfault(TrackedState.Mm mm) throws SyscallException {
    return new Userfault(new Fd((int) Syscalls.require("take a userfaultfd from its holder", Nr.PIDFD_GETFD, pidfd,
        mm.fd().value(), 0)));
  }

  /// Ends it, so that nobody believes any more what it knows. Userfaultfds that we have a copy of go on.
  void end() throws SyscallException {
    Syscalls.call(Nr.PIDFD_SEND_SIGNAL, pidfd, SIGKILL, 0, 0);
    if (!ended(ENDS_WITHIN_S)) {
      throw new SyscallException(Nr.PPOLL, Errno.ETIMEDOUT, "wait for the end of the holder of what is tracked");
    }
  }

  /// Whether it is there still: then nobody has protected the memory anew since it was started.
  boolean isAlive() {
    return !ended(0);
  }

  private boolean ended(long withinS) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment poll = arena.allocate(8, 4);
      poll.set(JAVA_INT, 0, (int) pidfd);
      poll.set(JAVA_SHORT, 4, POLLIN);
      MemorySegment patience = arena.allocateFrom(JAVA_LONG, withinS, 0);
      return Syscalls.call(Nr.PPOLL, poll.address(), 1, patience.address(), 0, 0) == 1;
    }
  }

  @Override
  public void close() {
    Syscalls.call(Nr.CLOSE, pidfd);
  }

  /// One memory to go on with.
  ///
  /// @param canaries see [TrackedState.Mm#canaries]
  record Held(Tid task, long start, ObjectId body, Userfault userfault, List<SoftDirty.Canary> canaries) {
    Held {
      canaries = List.copyOf(canaries);
    }
  }

  /// Starts a holder that outlives us, and goes with the root. @return our child
  static Tid start(Tid root, long rootStart, ImageIdentity parent, List<Held> held)
      throws SyscallException {
    Keeper keeper = Keeper.start();
    try {
      List<KeeperFd> fds = keeper.hold(held.stream().map(one -> one.userfault().fd()).toList());
      var mms = new ArrayList<TrackedState.Mm>();
      for (int i = 0; i < fds.size(); i++) {
        Held one = held.get(i);
        mms.add(new TrackedState.Mm(one.task(), one.start(), one.body(), new Fd(fds.get(i).number()),
            one.canaries()));
      }
      holdState(keeper, new TrackedState(root, rootStart, parent, mms).encode());
      long pidfd = Syscalls.require("open a pidfd of task " + root, Nr.PIDFD_OPEN, root.value(), 0);
      try {
        keeper.stayWhile(keeper.hold(new Fd((int) pidfd)));
      } finally {
        Syscalls.call(Nr.CLOSE, pidfd);
      }
      Batch batch = new Batch();
      Slot name = batch.data(Bytes.cString(NAME));
      batch.call(Nr.PRCTL, Operand.imm(PR_SET_NAME), name.address());
      if (!(keeper.run(batch) instanceof Outcome.Completed)) {
        throw new SyscallException(Nr.PRCTL, Errno.ESRCH, "name the holder of what is tracked");
      }
      keeper.leave();
      return keeper.pid();
    } catch (SyscallException | RuntimeException | Error e) {
      keeper.close();
      throw e;
    }
  }

  private static void holdState(Keeper keeper, Bytes text) throws SyscallException {
    try (Arena arena = Arena.ofConfined()) {
      long memfd = Syscalls.require("make a memfd for what is tracked", Nr.MEMFD_CREATE,
          arena.allocateFrom(MEMFD).address(), MFD_CLOEXEC);
      try {
        MemorySegment bytes = arena.allocate(text.length());
        bytes.copyFrom(MemorySegment.ofArray(text.toArray()));
        long written = Syscalls.require("write what is tracked", Nr.PWRITE64, memfd, bytes.address(), text.length(), 0);
        if (written != text.length()) {
          throw new SyscallException(Nr.PWRITE64, Errno.ENOSPC, "write what is tracked");
        }
        keeper.hold(new Fd((int) memfd));
      } finally {
        Syscalls.call(Nr.CLOSE, memfd);
      }
    }
  }
}
