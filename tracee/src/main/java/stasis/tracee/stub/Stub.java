package stasis.tracee.stub;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.tracee.Deadline;
import stasis.tracee.Ptrace;
import stasis.tracee.Registers;
import stasis.tracee.RemoteMemory;
import stasis.tracee.Stop;

/// A stopped task that runs nothing but our code, to be made into a task of the restored program: spawned from a
/// [StubImage], or born of another stub. It dies with the tracer thread (PTRACE_O_EXITKILL) until [#release]. All
/// signals that can be blocked are, SIGTRAP excepted, which ends a batch. On the tracer thread, except [#kill].
public final class Stub implements AutoCloseable {
  static final int SIGTRAP = 5;
  static final int PR_SET_NAME = 15;
  private static final int PR_SET_PDEATHSIG = 1;
  private static final int SIGKILL = 9;
  private static final int IOPRIO_WHO_PROCESS = 1;
  private static final String NAME = "stasis-stub";
  private static final SigSet ALL_BUT_SIGTRAP = new SigSet(~(1L << (SIGTRAP - 1)));
  private static final int OPTIONS = Ptrace.PTRACE_O_EXITKILL | Ptrace.PTRACE_O_TRACECLONE | Ptrace.PTRACE_O_TRACEFORK
      | Ptrace.PTRACE_O_TRACEVFORK;
  private static final int PROT_RWX = 7;
  private static final int MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE = 0x2 | 0x20 | 0x100000;
  private static final Duration STOPS_WITHIN = Duration.ofSeconds(10);

  private final Ptrace ptrace;
  private final Tid tid;
  private final Region region;
  private final Registers base;
  private Optional<Stop> end = Optional.empty();
  private boolean released;

  private Stub(Ptrace ptrace, Tid tid, Region region, Registers base) {
    this.ptrace = ptrace;
    this.tid = tid;
    this.region = region;
    this.base = base;
  }

  /// Starts a stub that has nothing open but `inherit`, at the same numbers as here.
  ///
  /// @param hole start of an address range free in all that is to be restored; page-aligned
  /// @param holeBytes all of it is taken: the image's page, then the region batches run in
  public static Stub spawn(Ptrace ptrace, RemoteAddress hole, long holeBytes, List<Fd> inherit)
      throws SyscallException {
    var image = new StubImage(hole);
    int self = Math.toIntExact(Syscalls.require("learn our pid", Nr.GETPID));
    Tid tid = Spawner.spawn(image.file(StubCode.forStub(self), StubCode.STUB), NAME, inherit);
    try {
      ptrace.seize(tid, OPTIONS);
      ptrace.interrupt(tid);
      awaitFirstStop(ptrace, tid);
      ptrace.setSignalMask(tid, ALL_BUT_SIGTRAP);
      RemoteAddress start = hole.plus(StubImage.BYTES);
      long bytes = holeBytes - StubImage.BYTES;
      var stub = new Stub(ptrace, tid, Region.of(start, bytes), ptrace.registers(tid));
      long mapped = stub.callAt(image.at(StubCode.GADGET), Nr.MMAP, start.bits(), bytes, PROT_RWX,
          MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE, -1, 0);
      if (mapped != start.bits()) {
        throw new SyscallException(Nr.MMAP, Errno.isError(mapped) ? Errno.of(mapped) : Errno.EEXIST,
            "map the region of stub " + tid + " at " + start);
      }
      stub.memory().write(start, StubCode.plain());
      stub.closeAllBut(inherit);
      stub.forgetIoPriority();
      return stub;
    } catch (SyscallException e) {
      killAndReap(ptrace, tid);
      throw e;
    }
  }

  /// What this thread was given by ionice(1) would go on to every task of ours: each of them would start with an io
  /// context of its own, as most programs have none (block/blk-ioc.c, `__copy_io()`).
  private void forgetIoPriority() throws SyscallException {
    if (Syscalls.call(Nr.IOPRIO_GET, IOPRIO_WHO_PROCESS, 0) != 0) {
      call(Nr.IOPRIO_SET, IOPRIO_WHO_PROCESS, 0, 0);
    }
  }

  /// A task that a batch of this stub gave birth to. Code and region lie where they lie here.
  public Stub adopt(Newborn newborn) {
    // Every run sets what it needs; the rest of the registers is the same for all of one family.
    return new Stub(ptrace, newborn.tid(), region, base);
  }

  /// Executes a program and is a stub again before the first instruction of it, with a region where it was. Files stay
  /// open but for those that close on exec.
  ///
  /// @throws SyscallException errnos of execve(2)
  public void become(PathBytes program) throws SyscallException {
    new TakeOver(this).run(program);
  }

  public Tid tid() {
    return tid;
  }

  public Region region() {
    return region;
  }

  /// Filters this stub installs from now on, or that reach it by TSYNC, wait until it is released. Needs CAP_SYS_ADMIN,
  /// and a tracer that is itself under no seccomp (kernel/ptrace.c, `check_ptrace_options()`).
  public void suspendSeccomp() throws SyscallException {
    ptrace.setOptions(tid, OPTIONS | Ptrace.PTRACE_O_SUSPEND_SECCOMP);
  }

  public RemoteMemory memory() {
    return new RemoteMemory(tid);
  }

  public Outcome run(Batch batch, Deadline deadline) throws SyscallException {
    return start(batch).await(deadline);
  }

  /// Lets the task run a batch while others are started too.
  public BatchRun start(Batch batch) throws SyscallException {
    return start(batch, region);
  }

  /// @param share where the batch may lie, when tasks of one mm run at once
  public BatchRun start(Batch batch, Region share) throws SyscallException {
    return BatchRun.start(ptrace, this, share, batch);
  }

  /// One call from the region's syscall instruction; see [#callAt].
  public long call(Nr nr, long... args) throws SyscallException {
    return callAt(region.code().plus(StubCode.GADGET), nr, args);
  }

  /// One call from any syscall instruction of the task, such as the vdso's when the region itself is to be unmapped.
  /// Uses syscall stops, not SINGLESTEP: a forced SIGTRAP would reset a restored SIG_IGN action of that signal
  /// (kernel/signal.c, `force_sig_info_to_task()`).
  ///
  /// @return the kernel's result, or minus errno. ESRCH thrown: the task died
  public long callAt(RemoteAddress instruction, Nr nr, long... args) throws SyscallException {
    ptrace.setRegisters(tid, base.forCall(instruction, nr.on(Syscalls.HOST), args));
    Deadline deadline = Deadline.after(STOPS_WITHIN);
    for (int syscallStops = 0; syscallStops < 2;) {
      ptrace.syscall(tid, 0);
      Stop stop = ptrace.await(tid, deadline).orElseThrow(
          () -> new SyscallException(nr, Errno.ETIMEDOUT, "make one call in stub " + tid));
      switch (stop) {
        case Stop.SyscallStop _ -> syscallStops++;
        case Stop.Exited _, Stop.Killed _ -> {
          gone(stop);
          throw new SyscallException(nr, Errno.ESRCH, "make one call in stub " + tid + ", which ended: " + stop);
        }
        case Stop.EventStop _, Stop.GroupStop _, Stop.SignalDelivery _ -> { }
      }
    }
    return ptrace.registers(tid).rax();
  }

  /// Puts the task at a label of the code, with its own stack, ready to be released there.
  void enter(int label, long rbx, long r12, long r13) throws SyscallException {
    ptrace.setRegisters(tid, base.withOrigRax(-1).withRip(region.code().plus(label))
        .with(Registers.Name.RBX, rbx).with(Registers.Name.R12, r12).with(Registers.Name.R13, r13));
  }

  /// Lets the task go as it is: its registers must be those of the restored program by now.
  public void release() throws SyscallException {
    ptrace.detach(tid, 0);
    released = true;
  }

  /// Lets the task wait in our loop, untraced, as any other process; [#end] ends it, and so does the death of the
  /// engine.
  public void idle() throws SyscallException {
    // It asks for this where it starts, but it may have been stopped before it came to it.
    long asked = call(Nr.PRCTL, PR_SET_PDEATHSIG, SIGKILL);
    if (Errno.isError(asked)) {
      throw new SyscallException(Nr.PRCTL, Errno.of(asked), "tie stub " + tid + " to this thread's life");
    }
    enter(StubCode.WAIT, 0, 0, 0);
    release();
  }

  /// Kills and reaps a task that was left to [#idle].
  public static void end(Ptrace ptrace, Tid tid) throws SyscallException {
    killAndReap(ptrace, tid);
  }

  /// Sends SIGKILL; whoever waits for the task sees it die. From any thread: this is how a restore is cancelled.
  public void kill() {
    if (!released) {
      Syscalls.call(Nr.KILL, tid.value(), SIGKILL);
    }
  }

  /// Kills and reaps the task unless it was released.
  @Override
  public void close() throws SyscallException {
    closeAll(List.of(this));
  }

  /// Kills all first, then reaps: a leader can be waited for only after its traced threads.
  public static void closeAll(Collection<Stub> stubs) throws SyscallException {
    List<Stub> ours = stubs.stream().filter(Stub::isOurs).toList();
    Map<Boolean, List<Stub>> byLeading = ours.stream().collect(Collectors.partitioningBy(Stub::leads));
    ours.forEach(Stub::kill);
    for (boolean leading : new boolean[] {false, true}) {
      for (Stub stub : byLeading.getOrDefault(leading, List.of())) {
        stub.gone(reap(stub.ptrace, stub.tid));
      }
    }
  }

  /// Whether this is the leader of its thread group; also when nobody can tell any more.
  private boolean leads() {
    try {
      return Files.readAllLines(Path.of("/proc/" + tid + "/status"), StandardCharsets.ISO_8859_1).stream()
          .noneMatch(line -> line.startsWith("Tgid:") && !line.equals("Tgid:\t" + tid));
    } catch (IOException e) {
      return true;
    }
  }

  /// Whether a signal tells of a fault in the code itself.
  static boolean isFault(int signal) {
    return switch (signal) {
      case 4, 7, 8, 11, 31 -> true; // SIGILL, SIGBUS, SIGFPE, SIGSEGV, SIGSYS
      default -> false;
    };
  }

  /// Registers every run starts from: those the task was first seen with.
  Registers baseRegisters() {
    return base;
  }

  void gone(Stop last) {
    end = Optional.of(last);
  }

  /// The final stop of a task that ptrace no longer finds.
  Stop lastStop() throws SyscallException {
    if (end.isEmpty()) {
      end = Optional.of(reap(ptrace, tid));
    }
    return end.get();
  }

  static void awaitFirstStop(Ptrace ptrace, Tid tid) throws SyscallException {
    Deadline deadline = Deadline.after(STOPS_WITHIN);
    while (true) {
      Optional<Stop> stop = ptrace.await(tid, deadline);
      if (stop.isEmpty() || stop.get().isFinal()) {
        throw new SyscallException(Nr.WAIT4, Errno.ESRCH, "stop new task " + tid + ", which "
            + stop.map(last -> "ended: " + last).orElse("did not stop within " + STOPS_WITHIN.toSeconds() + " s"));
      }
      if (stop.get() instanceof Stop.EventStop event && event.event() == Stop.PTRACE_EVENT_STOP) {
        return;
      }
      ptrace.cont(tid, 0);
    }
  }

  private boolean isOurs() {
    return !released && end.isEmpty();
  }

  private void closeAllBut(List<Fd> keep) throws SyscallException {
    var batch = new Batch();
    Slot name = batch.data(Bytes.cString(NAME));
    batch.call(Nr.PRCTL, Operand.imm(PR_SET_NAME), name.address());
    closeRanges(batch, keep);
    if (!(run(batch, Deadline.after(STOPS_WITHIN)) instanceof Outcome.Completed)) {
      throw new SyscallException(Nr.CLOSE_RANGE, Errno.EINVAL, "close what stub " + tid + " inherited");
    }
  }

  /// Adds calls that close every fd but some.
  static void closeRanges(Batch batch, List<Fd> keep) {
    long from = 0;
    for (Fd fd : keep.stream().sorted().distinct().toList()) {
      if (fd.value() > from) {
        batch.call(Nr.CLOSE_RANGE, Operand.imm(from), Operand.imm(fd.value() - 1L));
      }
      from = fd.value() + 1L;
    }
    batch.call(Nr.CLOSE_RANGE, Operand.imm(from), Operand.imm(0xffffffffL));
  }

  private static void killAndReap(Ptrace ptrace, Tid tid) throws SyscallException {
    Syscalls.call(Nr.KILL, tid.value(), SIGKILL);
    reap(ptrace, tid);
  }

  /// Waits for the end of a task that was killed; once more where a wait fails: what is not reaped keeps its pid.
  private static Stop reap(Ptrace ptrace, Tid tid) throws SyscallException {
    Deadline deadline = Deadline.after(STOPS_WITHIN);
    try {
      return reap(ptrace, tid, deadline);
    } catch (SyscallException e) {
      // ECHILD: its parent, or the kernel, was faster.
      return e.errno() == Errno.ECHILD ? new Stop.Killed(tid, SIGKILL) : reap(ptrace, tid, deadline);
    }
  }

  private static Stop reap(Ptrace ptrace, Tid tid, Deadline deadline) throws SyscallException {
    while (true) {
      Optional<Stop> stop = ptrace.await(tid, deadline);
      if (stop.isEmpty()) {
        throw new SyscallException(Nr.WAIT4, Errno.ETIMEDOUT, "reap killed task " + tid);
      }
      if (stop.get().isFinal()) {
        return stop.get();
      }
    }
  }
}
