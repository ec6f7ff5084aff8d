package stasis.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.TreeMap;
import stasis.image.LossRow;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Maps;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.Vma;
import stasis.resource.Arg;
import stasis.resource.CpuState;
import stasis.resource.Step;
import stasis.resource.TaskState;
import stasis.tracee.Deadline;
import stasis.tracee.FaultPoints;
import stasis.tracee.FrozenTree;
import stasis.tracee.LiveTask;
import stasis.tracee.Ptrace;
import stasis.tracee.Registers;
import stasis.tracee.Stop;
import stasis.tracee.stub.Stub;

/// Restored tasks, all still stopped stubs. [#release] makes them the program; closing before that ends them.
public final class RestoredTree implements AutoCloseable {
  static final int SIGTRAP = 5;
  private static final int SIGCONT = 18;
  private static final long PIECE_BYTES = 1 << 20;
  private static final Duration BOUND = Duration.ofSeconds(30);
  private static final long NANOS = 1_000_000_000L;
  private static final int SIGSET_BYTES = 8;
  private static final int AT_ONCE = 64;

  private final Ptrace ptrace;
  private final Proc proc;
  private final Births births;
  private final SequencedMap<ObjectId, Stub> stubs;
  private final SequencedMap<ObjectId, CpuState> cpus;
  /// Results of timed waits that were begun again and ended at once.
  private final Map<Tid, Long> finishedWaits = new HashMap<>();
  private final Map<ObjectId, Step.Call> traps;
  private final boolean continues;
  private boolean released;

  RestoredTree(Ptrace ptrace, Proc proc, Births births, SequencedMap<ObjectId, Stub> stubs,
      SequencedMap<ObjectId, CpuState> cpus,
      List<Step> steps) {
    this.ptrace = ptrace;
    this.proc = proc;
    this.births = births;
    this.stubs = stubs;
    this.cpus = cpus;
    this.traps = traps(steps);
    this.continues = steps.stream().anyMatch(RestoredTree::leavesContinue);
  }

  /// Dispositions of SIGTRAP, which our own int3 may reset: set once more as the last thing.
  private static Map<ObjectId, Step.Call> traps(List<Step> steps) {
    Map<ObjectId, Step.Call> traps = new HashMap<>();
    for (Step step : steps) {
      if (step instanceof Step.Call call && call.nr() == Nr.RT_SIGACTION
          && call.args().getFirst().equals(Arg.imm(SIGTRAP))) {
        traps.put(call.in(), call);
      }
    }
    return traps;
  }

  /// Whether a SIGCONT will be pending after this.
  private static boolean leavesContinue(Step step) {
    return step instanceof Step.Call call && (call.nr() == Nr.RT_TGSIGQUEUEINFO && isContinue(call, 2)
        || call.nr() == Nr.RT_SIGQUEUEINFO && isContinue(call, 1));
  }

  private static boolean isContinue(Step.Call call, int argument) {
    return call.args().get(argument).equals(Arg.imm(SIGCONT));
  }

  /// The root, in the engine's pid namespace.
  public Tid root() {
    return stubs.firstEntry().getValue().tid();
  }

  /// Leaders that have ended before their threads, and how.
  private static Map<ObjectId, TaskState.Ended> ended(Capture capture) {
    Map<ObjectId, TaskState.Ended> ended = new TreeMap<>();
    capture.leaders().forEach(leader -> leader.getValue().ended().ifPresent(
        status -> ended.put(leader.getKey(), status)));
    return ended;
  }

  /// What of its births the user should know.
  List<LossRow> told() {
    return births.told();
  }

  /// Whom to wait for: its exit status is the program's.
  public Tid waitable() {
    return births.waitable(stubs.firstEntry().getValue());
  }

  /// Processes, in the engine's pid namespace.
  List<Integer> pids(Collection<ObjectId> leaders) {
    return leaders.stream().map(leader -> stub(leader).tid().value()).toList();
  }

  /// Last things, then all go on. The order matters: timed waits are begun again while the region still holds their
  /// arguments; each leader unmaps the region through the restored vdso; each thread is then brought to a stop in the
  /// kernel's get_signal(), where setting the registers of the checkpoint makes the kernel finish what the checkpoint
  /// interrupted: a restart, an EINTR for a handler, the rest of a sleep.
  void release(Capture capture) throws SyscallException, ProcException, StepFailedException {
    for (var entry : cpus.entrySet()) {
      if (entry.getValue().sleep().isPresent()) {
        sleepAgain(stub(entry.getKey()), entry.getValue());
      }
    }
    for (var trap : traps.entrySet()) {
      setTrapAction(stub(trap.getKey()), trap.getValue());
    }
    leave(capture);
    List<ObjectId> tasks = List.copyOf(cpus.sequencedKeySet());
    for (int i = 0; i < tasks.size(); i++) {
      // Some come to their stops while others are seen to.
      if (i % AT_ONCE == 0) {
        for (ObjectId task : tasks.subList(i, Math.min(tasks.size(), i + AT_ONCE))) {
          goToGetSignal(stub(task));
        }
      }
      Stub stub = stub(tasks.get(i));
      CpuState cpu = GroupPlan.require(cpus, tasks.get(i));
      await(stub, Stop.EventStop.class);
      Registers stopped = Registers.of(cpu.general());
      Long result = finishedWaits.get(stub.tid());
      setCpu(stub, cpu, result != null ? RestartCalls.finished(stopped, result)
          : RestartCalls.forRestore(stopped, cpu.sleep().isPresent()));
    }
    births.beforeRelease(stubs.firstEntry().getValue(), capture.root().getValue().ownPid());
    new Departure(ptrace, stubs, capture).run(cpus.sequencedKeySet(), continues);
    released = true;
  }

  /// All as at a release, but nothing goes on: each thread stands still with the registers of the checkpoint, just
  /// before the kernel would act on them. Timed waits are not begun again. Closing ends them.
  ///
  /// @param order of all processes, as their pids, in which the tree is shown
  FrozenTree hold(List<Tid> order, Capture capture)
      throws SyscallException, ProcException, StepFailedException {
    for (var trap : traps.entrySet()) {
      setTrapAction(stub(trap.getKey()), trap.getValue());
    }
    leave(capture);
    Map<Tid, LiveTask> held = new HashMap<>();
    for (var entry : cpus.entrySet()) {
      Stub stub = stub(entry.getKey());
      Stop stop = stopInGetSignal(stub);
      setCpu(stub, entry.getValue(), Registers.of(entry.getValue().general()));
      held.put(stub.tid(), new LiveTask(stub.tid(), stop, ptrace.registers(stub.tid())));
    }
    return FrozenTree.held(ptrace, order, held, FaultPoints.NONE);
  }

  /// Our memory goes, and so do leaders that have ended.
  private void leave(Capture capture) throws SyscallException, ProcException, StepFailedException {
    Map<ObjectId, TaskState.Ended> ended = ended(capture);
    Sharers sharers = Sharers.of(capture.leaders());
    Map<ObjectId, RemoteAddress> exits = new HashMap<>();
    for (ObjectId leader : ended.keySet()) {
      exits.put(leader, gadget(stub(leader)));
    }
    for (var leader : capture.leaders()) {
      if (sharers.isFirst(Part.MM, leader.getKey())) {
        leaveRegion(stub(leader.getKey()));
      }
    }
    for (ObjectId leader : ended.keySet()) {
      Endings.exit(ptrace, proc.task(stub(leader).tid()), stub(leader), GroupPlan.require(exits, leader),
          GroupPlan.require(ended, leader));
    }
  }

  /// Begins a timed wait with what was left of it and interrupts it at once: the kernel's restart block then holds the
  /// wait as it did at the checkpoint, with no byte of the task's memory changed.
  private void sleepAgain(Stub stub, CpuState cpu) throws SyscallException, StepFailedException {
    CpuState.Sleep sleep = cpu.sleep().orElseThrow();
    Registers original = Registers.of(cpu.general());
    RemoteAddress time = stub.region().area();
    stub.memory().write(time, Bytes.ofU64(sleep.remainingNs() / NANOS, sleep.remainingNs() % NANOS));
    long[] args = new long[6];
    for (int i = 0; i < args.length; i++) {
      args[i] = original.argument(i);
    }
    int nr = sleep.nr();
    if (nr == Nr.NANOSLEEP.on(Syscalls.HOST)) {
      args[0] = time.bits();
    } else if (nr == Nr.CLOCK_NANOSLEEP.on(Syscalls.HOST)) {
      args[1] = 0;
      args[2] = time.bits();
    } else if (nr == Nr.FUTEX.on(Syscalls.HOST)) {
      args[3] = time.bits();
    } else if (nr == RestartCalls.POLL_X86_64) {
      args[2] = (sleep.remainingNs() + 999_999) / 1_000_000;
    } else {
      throw new StepFailedException("no timed wait is known for call number " + nr);
    }
    ptrace.setRegisters(stub.tid(), ptrace.registers(stub.tid()).forCall(stub.region().gadget(), nr, args));
    ptrace.syscall(stub.tid(), 0);
    await(stub, Stop.SyscallStop.class);
    ptrace.interrupt(stub.tid());
    ptrace.cont(stub.tid(), 0);
    await(stub, Stop.EventStop.class);
    long result = ptrace.registers(stub.tid()).rax();
    if (result != -Errno.ERESTART_RESTARTBLOCK.number()) {
      finishedWaits.put(stub.tid(), result);
    }
  }

  private void setTrapAction(Stub stub, Step.Call call) throws SyscallException, StepFailedException {
    if (!(call.args().get(1) instanceof Arg.Data(Bytes action))) {
      return;
    }
    RemoteAddress at = stub.region().area().plus(64);
    stub.memory().write(at, action);
    require(stub.call(Nr.RT_SIGACTION, SIGTRAP, at.bits(), 0, SIGSET_BYTES), "action of SIGTRAP of " + stub.tid());
  }

  private void leaveRegion(Stub leader) throws SyscallException, ProcException, StepFailedException {
    RemoteAddress gadget = gadget(leader);
    var region = leader.region();
    long mapped = region.area().bits() + region.areaBytes() - region.code().bits();
    require(leader.callAt(gadget, Nr.MUNMAP, region.code().bits(), mapped), "unmap the region of " + leader.tid());
  }

  private Stop stopInGetSignal(Stub stub) throws SyscallException, StepFailedException {
    goToGetSignal(stub);
    return await(stub, Stop.EventStop.class);
  }

  private void goToGetSignal(Stub stub) throws SyscallException {
    ptrace.interrupt(stub.tid());
    ptrace.cont(stub.tid(), 0);
  }

  private void setCpu(Stub stub, CpuState cpu, Registers registers) throws SyscallException {
    if (cpu.rseqArea().isPresent() && cpu.rseqCs().isPresent()) {
      stub.memory().write(cpu.rseqArea().get().plus(8), cpu.rseqCs().get());
    }
    ptrace.setXsave(stub.tid(), cpu.extended());
    ptrace.setRegisters(stub.tid(), registers);
    ptrace.setSignalMask(stub.tid(), cpu.mask());
  }

  private Stop await(Stub stub, Class<? extends Stop> wanted) throws SyscallException, StepFailedException {
    Deadline deadline = Deadline.after(BOUND);
    while (true) {
      Stop stop = ptrace.await(stub.tid(), deadline)
          .orElseThrow(() -> new StepFailedException("task " + stub.tid() + " did not stop"));
      if (stop.isFinal()) {
        throw new StepFailedException("task " + stub.tid() + " died at its release: " + stop);
      }
      // Of a stopped group every event stop reads as its group stop (kernel/signal.c, do_jobctl_trap()).
      if (wanted.isInstance(stop) || wanted == Stop.EventStop.class && stop instanceof Stop.GroupStop) {
        return stop;
      }
      ptrace.cont(stub.tid(), 0);
    }
  }

  /// A syscall instruction of the restored mm itself: in the vdso, or, of a program that has none, in any of its code.
  private RemoteAddress gadget(Stub stub) throws ProcException, StepFailedException {
    Maps maps = proc.task(stub.tid()).maps();
    List<Vma> code = new ArrayList<>(maps.special("[vdso]").stream().toList());
    maps.vmas().stream().filter(vma -> vma.executable() && vma.readable() && !vma.isSpecial()
        && !vma.contains(stub.region().code())).forEach(code::add);
    for (Vma vma : code) {
      for (long at = 0; at < vma.lengthBytes(); at += PIECE_BYTES) {
        Optional<RemoteAddress> found = gadget(stub, vma.address().plus(at),
            Math.min(PIECE_BYTES, vma.lengthBytes() - at));
        if (found.isPresent()) {
          return found.get();
        }
      }
    }
    throw new StepFailedException("the restored mm has no syscall instruction to leave through");
  }

  /// Empty also for what cannot be read, as behind the end of a mapped file.
  private static Optional<RemoteAddress> gadget(Stub stub, RemoteAddress from, long lengthBytes) {
    Bytes code;
    try {
      code = stub.memory().read(from, Math.toIntExact(lengthBytes));
    } catch (SyscallException e) {
      return Optional.empty();
    }
    for (int i = 0; i + 1 < code.length(); i++) {
      if (code.u8(i) == 0x0f && code.u8(i + 1) == 0x05) {
        return Optional.of(from.plus(i));
      }
    }
    return Optional.empty();
  }

  private static void require(long result, String what) throws StepFailedException {
    if (Errno.isError(result)) {
      throw new StepFailedException(what, result);
    }
  }

  private Stub stub(ObjectId task) {
    return GroupPlan.require(stubs, task);
  }

  /// Ends every task unless released.
  @Override
  public void close() throws SyscallException {
    if (!released) {
      Stub.closeAll(stubs.values());
      births.close();
    }
  }
}
