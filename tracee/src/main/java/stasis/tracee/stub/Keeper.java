package stasis.tracee.stub;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.IntStream;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.tracee.Deadline;
import stasis.tracee.Stop;

/// A process that outlives the engine for a moment, to undo what would outlive it for good. It is no tracee. It waits
/// on a socket from the engine: at its end, however that came about, it runs the undos left to it, newest first, and
/// exits. So every change that persists is left here as an undo *before* it is made, and withdrawn once it was taken
/// back.
///
/// It holds descriptors for those undos, and others that must not be closed with the engine, such as userfaultfds. It
/// has a session of its own, no other files, / as its directory, and every signal blocked. What kills it all the same:
/// SIGKILL, and whoever ends the engine's whole control group.
///
/// Any thread may use it; calls exclude one another.
public final class Keeper implements AutoCloseable {
  private static final RemoteAddress IMAGE = new RemoteAddress(0x10_0000_0000L);
  private static final RemoteAddress SHARED = new RemoteAddress(0x10_1000_0000L);
  private static final long SHARED_BYTES = 16L << 20;
  /// Head of the undo list, of the batch to run now, a byte to read into, and how much of that batch was left.
  private static final int UNDO_AT = 0;
  private static final int NOW_AT = 16;
  private static final int LEFT_AT = 40;
  private static final long NOW_AREA = 4096;
  private static final long UNDO_AREA = 1L << 20;

  private static final String NAME = "stasis-keeper";
  private static final int AF_UNIX = 1;
  private static final int SOCK_STREAM_CLOEXEC = 1 | 0x80000;
  private static final int SOL_SOCKET = 1;
  private static final int SO_RCVTIMEO = 20;
  private static final int MSG_NOSIGNAL = 0x4000;
  private static final int MSG_CMSG_CLOEXEC = 0x40000000;
  private static final int SCM_RIGHTS = 1;
  private static final int CMSG_HEADER = 16;
  /// SCM_MAX_FD is 253 (net/scm.h).
  private static final int FDS_AT_ONCE = 250;
  private static final int SIG_SETMASK = 2;
  private static final int SIGKILL = 9;
  private static final int WNOHANG = 1;
  private static final short POLLIN = 1;
  private static final long FIRST_LOOK_NS = 1_000_000;
  private static final long LAST_LOOKS_NS = 1_000_000_000;
  private static final long ANSWERS_WITHIN_S = 10;
  private static final java.time.Duration EXITS_WITHIN = java.time.Duration.ofSeconds(2);

  private final Tid pid;
  private final Fd control;
  /// Number of the other end in the keeper's table.
  private final int theirs;
  private final SharedFile shared;
  private final UndoList undos;
  private boolean closed;

  private Keeper(Tid pid, Fd control, int theirs, SharedFile shared) {
    this.pid = pid;
    this.control = control;
    this.theirs = theirs;
    this.shared = shared;
    this.undos = new UndoList(shared, shared.at(UNDO_AT), UNDO_AREA);
  }

  /// Starts one that has nothing to undo yet.
  public static Keeper start() throws SyscallException {
    SharedFile shared = SharedFile.create(SHARED, SHARED_BYTES);
    try (Arena call = Arena.ofConfined()) {
      MemorySegment ends = call.allocate(8, 4);
      Syscalls.require("make a keeper's socket", Nr.SOCKETPAIR, AF_UNIX, SOCK_STREAM_CLOEXEC, 0, ends.address());
      Fd ours = new Fd(ends.get(JAVA_INT, 0));
      Fd theirs = new Fd(ends.get(JAVA_INT, 4));
      try {
        MemorySegment patience = call.allocateFrom(JAVA_LONG, ANSWERS_WITHIN_S, 0);
        Syscalls.require("bound the wait for a keeper", Nr.SETSOCKOPT, ours.value(), SOL_SOCKET, SO_RCVTIMEO,
            patience.address(), 16);
        var image = new StubImage(IMAGE);
        Bytes code = StubCode.forKeeper(SHARED, SHARED_BYTES, shared.fd().value(), theirs.value());
        Tid pid = Spawner.spawn(image.file(code, StubCode.KEEPER), NAME, List.of(shared.fd(), theirs));
        var keeper = new Keeper(pid, ours, theirs.value(), shared);
        keeper.settle();
        return keeper;
      } catch (SyscallException e) {
        Syscalls.call(Nr.CLOSE, ours.value());
        throw e;
      } finally {
        Syscalls.call(Nr.CLOSE, theirs.value());
      }
    } catch (SyscallException e) {
      shared.close();
      throw e;
    }
  }

  /// The keeper's first calls: away from our terminal, files, directory and signals.
  private void settle() throws SyscallException {
    var batch = new Batch();
    Slot all = batch.data(Bytes.ofU64(-1));
    Slot root = batch.data(Bytes.cString("/"));
    Slot name = batch.data(Bytes.cString(NAME));
    batch.call(Nr.RT_SIGPROCMASK, Operand.imm(SIG_SETMASK), all.address(), Operand.imm(0), Operand.imm(8));
    batch.call(Nr.SETSID);
    batch.call(Nr.CHDIR, root.address());
    batch.call(Nr.PRCTL, Operand.imm(Stub.PR_SET_NAME), name.address());
    Stub.closeRanges(batch, List.of(new Fd(theirs)));
    try {
      Outcome outcome = run(batch);
      if (!(outcome instanceof Outcome.Completed)) {
        throw new SyscallException(Nr.CLOSE_RANGE, Errno.ESRCH, "settle a keeper: " + outcome);
      }
    } catch (SyscallException e) {
      Syscalls.call(Nr.KILL, pid.value(), SIGKILL);
      reap(Deadline.after(EXITS_WITHIN));
      throw e;
    }
  }

  public Tid pid() {
    return pid;
  }

  /// Gives the keeper a descriptor of the file behind ours.
  public KeeperFd hold(Fd fd) throws SyscallException {
    return hold(List.of(fd)).getFirst();
  }

  /// Gives the keeper descriptors of the files behind ours, in the same order.
  public synchronized List<KeeperFd> hold(List<Fd> fds) throws SyscallException {
    var held = new ArrayList<KeeperFd>();
    for (int from = 0; from < fds.size(); from += FDS_AT_ONCE) {
      held.addAll(receive(fds.subList(from, Math.min(fds.size(), from + FDS_AT_ONCE))));
    }
    return held;
  }

  private List<KeeperFd> receive(List<Fd> fds) throws SyscallException {
    var batch = new Batch();
    Slot body = batch.space(1);
    Slot iovec = batch.data(Bytes.ofU64(0, 1));
    batch.point(iovec, 0, body, 0);
    Slot rights = batch.space(controlBytes(fds.size()));
    Slot message = batch.exchange(Bytes.zeros(56).withU64(24, 1).withU64(40, rights.lengthBytes()));
    batch.point(message, 16, iovec, 0);
    batch.point(message, 32, rights, 0);
    batch.call(Nr.RECVMSG, Expect.exactly(1), Operand.imm(theirs), message.address(),
        Operand.imm(MSG_CMSG_CLOEXEC));
    Outcome outcome = run(batch, () -> send(fds));
    if (outcome instanceof Outcome.Completed completed) {
      Bytes got = completed.results().of(rights);
      // Less than the header and all descriptors: MSG_CTRUNC.
      if (completed.results().of(message).u64(40) >= CMSG_HEADER + 4L * fds.size()
          && got.u64(0) == CMSG_HEADER + 4L * fds.size()) {
        return IntStream.range(0, fds.size()).mapToObj(i -> new KeeperFd(got.u32(CMSG_HEADER + 4 * i))).toList();
      }
    }
    throw new SyscallException(Nr.RECVMSG, Errno.EMFILE, "hand fds " + fds + " to keeper " + pid + ": " + outcome,
        "see RLIMIT_NOFILE");
  }

  /// CMSG_SPACE of that many descriptors.
  private static int controlBytes(int fds) {
    return CMSG_HEADER + (4 * fds + 7 & -8);
  }

  /// Closes what it held.
  public void letGo(KeeperFd held) throws SyscallException {
    var batch = new Batch();
    batch.call(Nr.CLOSE, held.operand());
    Outcome outcome = run(batch);
    if (!(outcome instanceof Outcome.Completed)) {
      throw new SyscallException(Nr.CLOSE, Errno.EBADF, "let keeper " + pid + " close " + held + ": " + outcome);
    }
  }

  /// Leaves one call to be made when the engine is gone, before those left earlier.
  public UndoId undo(Nr nr, long... args) throws SyscallException {
    var batch = new Batch();
    batch.call(nr, java.util.Arrays.stream(args).mapToObj(Operand::imm).toArray(Operand[]::new));
    return undo(batch);
  }

  /// Leaves calls to be made when the engine is gone, before those left earlier. Each is made whatever the one before
  /// it returned.
  public synchronized UndoId undo(Batch batch) throws SyscallException {
    open();
    return undos.first(batch);
  }

  /// Leaves calls to be made when the engine is gone in the place of all that was left before: from one to the other in
  /// one write.
  public synchronized UndoId undoOnly(Batch batch) throws SyscallException {
    open();
    return undos.only(batch);
  }

  /// Once the engine is gone and all else is undone, keeps what it holds until a process ends.
  ///
  /// @param pidfd held already
  public synchronized UndoId stayWhile(KeeperFd pidfd) throws SyscallException {
    open();
    var batch = new Batch();
    Slot poll = batch.exchange(Bytes.ofU32(pidfd.number(), POLLIN));
    batch.call(Nr.PPOLL, poll.address(), Operand.imm(1), Operand.imm(0), Operand.imm(0));
    return undos.last(batch);
  }

  /// Forgets an undo.
  public synchronized void withdraw(UndoId undo) throws SyscallException {
    open();
    undos.withdraw(undo);
  }

  /// Runs calls in the keeper now.
  ///
  /// @return [Outcome.Died] when it is gone, and with it every undo
  public Outcome run(Batch batch) throws SyscallException {
    return run(batch, () -> { });
  }

  /// Ends the engine's part: the keeper runs the undos at once, then exits, or stays as long as it was told to. Buried
  /// when it does, by whoever it is a child of: an engine may live long.
  public synchronized void leave() {
    if (!closed) {
      hangUp();
      Thread.ofPlatform().daemon().name("stasis-sexton").start(() -> bury(pid));
    }
  }

  /// Looks again and again, past every gate: for a thread that waits in a system call the JVM waits 0.3 s when it ends, in
  /// the hope that it comes back (VM_Exit::wait_for_threads_in_native_to_block()).
  private static void bury(Tid pid) {
    long pauseNs = FIRST_LOOK_NS;
    while (Syscalls.kernel(Nr.WAIT4.on(Syscalls.HOST), pid.value(), 0, WNOHANG, 0) == 0) {
      LockSupport.parkNanos(pauseNs);
      pauseNs = Math.min(2 * pauseNs, LAST_LOOKS_NS);
    }
  }

  private void hangUp() {
    if (!closed) {
      closed = true;
      Syscalls.call(Nr.CLOSE, control.value());
      shared.close();
    }
  }

  /// Disarms the keeper and waits for its end; nothing is undone.
  @Override
  public synchronized void close() throws SyscallException {
    if (!closed) {
      try {
        undos.clear();
      } catch (SyscallException e) {
        Syscalls.call(Nr.KILL, pid.value(), SIGKILL); // nor may it undo what is done
      }
      hangUp();
      reap(Deadline.after(EXITS_WITHIN));
    }
  }

  @FunctionalInterface
  private interface Meanwhile {
    void act() throws SyscallException;
  }

  private synchronized Outcome run(Batch batch, Meanwhile meanwhile) throws SyscallException {
    open();
    Part part = Part.plan(batch, 0, shared.at(NOW_AREA), UNDO_AREA - NOW_AREA);
    if (part.to() != batch.size()) {
      throw new IllegalArgumentException("a keeper's batch lies in " + (UNDO_AREA - NOW_AREA) + " bytes");
    }
    var progress = new Progress(batch);
    try (Arena call = Arena.ofConfined()) {
      MemorySegment image = call.allocate(part.lengthBytes(), 8);
      part.encode(image, progress);
      shared.write(part.area(), image);
      shared.writeU64(shared.at(NOW_AT), part.descriptors().bits(), batch.size());
      MemorySegment one = call.allocate(1);
      long sent = Syscalls.call(Nr.SENDTO, control.value(), one.address(), 1, MSG_NOSIGNAL, 0, 0);
      if (sent != 1) {
        return gone();
      }
      meanwhile.act();
      if (!answered(one)) {
        return gone();
      }
      return outcome(call, part, progress);
    }
  }

  /// @return false when the keeper closed its end
  private boolean answered(MemorySegment one) throws SyscallException {
    while (true) {
      long got = Syscalls.call(Nr.RECVFROM, control.value(), one.address(), 1, 0, 0, 0);
      if (got == 1) {
        return true;
      }
      if (got == -Errno.EAGAIN.number()) {
        throw new SyscallException(Nr.RECVFROM, Errno.ETIMEDOUT, "hear from keeper " + pid);
      }
      if (got != -Errno.EINTR.number()) { // a signal to this thread: recv(2) may be called again
        return false;
      }
    }
  }

  private Outcome outcome(Arena call, Part part, Progress progress) throws SyscallException {
    int left = Math.toIntExact(shared.readU64(shared.at(LEFT_AT)));
    MemorySegment back = call.allocate(part.lengthBytes() - part.outputsAt(), 8);
    shared.read(part.area().plus(part.outputsAt()), back);
    int ran = progress.batch().size() - left;
    part.decode(back, left == 0 ? ran : ran + 1, progress);
    if (left != 0) {
      return new Outcome.Stopped(ran, progress.result(ran), progress.results(), List.of());
    }
    return new Outcome.Completed(progress.results(), List.of());
  }

  private void send(List<Fd> fds) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment body = call.allocateFrom(JAVA_BYTE, new byte[1]);
      MemorySegment iovec = call.allocateFrom(JAVA_LONG, body.address(), 1);
      MemorySegment rights = call.allocate(controlBytes(fds.size()), 8);
      rights.set(JAVA_LONG, 0, CMSG_HEADER + 4L * fds.size());
      rights.set(JAVA_INT, 8, SOL_SOCKET);
      rights.set(JAVA_INT, 12, SCM_RIGHTS);
      for (int i = 0; i < fds.size(); i++) {
        rights.set(JAVA_INT, CMSG_HEADER + 4L * i, fds.get(i).value());
      }
      MemorySegment message = call.allocateFrom(JAVA_LONG, 0, 0, iovec.address(), 1, rights.address(),
          rights.byteSize(), 0);
      long sent = Syscalls.call(Nr.SENDMSG, control.value(), message.address(), MSG_NOSIGNAL);
      if (Errno.isError(sent)) {
        // The keeper waits for this message: one without a descriptor lets it go on.
        Syscalls.call(Nr.SENDTO, control.value(), body.address(), 1, MSG_NOSIGNAL, 0, 0);
        answered(body);
        throw new SyscallException(Nr.SENDMSG, Errno.of(sent), "hand fds " + fds + " to keeper " + pid);
      }
    }
  }

  private Outcome gone() throws SyscallException {
    return new Outcome.Died(reap(Deadline.after(EXITS_WITHIN)), List.of());
  }

  private Stop reap(Deadline deadline) throws SyscallException {
    try (Arena call = Arena.ofConfined()) {
      MemorySegment status = call.allocate(4, 4);
      while (true) {
        long reaped = Syscalls.call(Nr.WAIT4, pid.value(), status.address(), WNOHANG, 0);
        if (reaped == pid.value()) {
          return Stop.decode(pid, status.get(JAVA_INT, 0));
        }
        if (Errno.isError(reaped)) {
          return new Stop.Killed(pid, SIGKILL); // another thread of this process waited for every child
        }
        if (deadline.passed()) {
          Syscalls.call(Nr.KILL, pid.value(), SIGKILL);
        }
        LockSupport.parkNanos(200_000);
      }
    }
  }

  private void open() {
    if (closed) {
      throw new IllegalStateException("keeper " + pid + " was closed");
    }
  }
}
