package stasis.tracee.stub;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.tracee.Deadline;
import stasis.tracee.Ptrace;
import stasis.tracee.Registers;
import stasis.tracee.Stop;

/// A batch under way in one task. Start several, then wait for all: the tasks run at the same time. On the tracer
/// thread.
public final class BatchRun {
  private static final java.time.Duration STOP_GRACE = java.time.Duration.ofSeconds(2);

  private final Ptrace ptrace;
  private final Stub stub;
  private final Region region;
  private final Progress progress;
  private final List<Tid> children = new ArrayList<>();
  private final List<Newborn> born = new ArrayList<>();
  private final Registers registers;
  private Part part;
  private Optional<Outcome> outcome = Optional.empty();

  private BatchRun(Ptrace ptrace, Stub stub, Region region, Batch batch) {
    this.ptrace = ptrace;
    this.stub = stub;
    this.region = region;
    this.progress = new Progress(batch);
    this.registers = stub.baseRegisters();
    this.part = Part.plan(batch, 0, region.area(), region.areaBytes());
  }

  /// Puts the first part into the region and lets the task go. A task that is dead by now is found so by [#await].
  static BatchRun start(Ptrace ptrace, Stub stub, Region region, Batch batch) throws SyscallException {
    var run = new BatchRun(ptrace, stub, region, batch);
    run.startPart();
    return run;
  }

  /// Waits until every entry ran or one stopped it. Past the deadline the task is interrupted.
  public Outcome await(Deadline deadline) throws SyscallException {
    while (outcome.isEmpty()) {
      awaitPart(deadline);
    }
    return outcome.get();
  }

  /// Waits for all of them; batches of several parts go on in turn.
  public static List<Outcome> awaitAll(List<BatchRun> runs, Deadline deadline) throws SyscallException {
    while (runs.stream().anyMatch(run -> run.outcome.isEmpty())) {
      for (BatchRun run : runs) {
        if (run.outcome.isEmpty()) {
          run.awaitPart(deadline);
        }
      }
    }
    return runs.stream().map(run -> run.outcome.orElseThrow()).toList();
  }

  /// After [Outcome.Stopped]: makes the call that stopped the batch once more and goes on.
  public Outcome again(Deadline deadline) throws SyscallException {
    if (!(outcome.orElseThrow() instanceof Outcome.Stopped stopped)) {
      throw new IllegalStateException("only a batch that stopped at an unmet expectation can be tried again");
    }
    part = Part.plan(progress.batch(), stopped.index(), region.area(), region.areaBytes());
    outcome = Optional.empty();
    startPart();
    return await(deadline);
  }

  private void startPart() throws SyscallException {
    if (part.from() == part.to()) {
      outcome = Optional.of(new Outcome.Completed(progress.results(), born()));
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment image = arena.allocate(part.lengthBytes(), 8);
      part.encode(image, progress);
      stub.memory().write(part.area(), image);
      // The stack pointer may lie nowhere that a restored task could name as its alternate stack: sigaltstack(2) is
      // refused with EPERM to a task that seems to run on one.
      ptrace.setRegisters(stub.tid(), registers.withOrigRax(-1).withRip(region.code().plus(StubCode.RUNNER))
          .withRsp(region.code().plus(Region.CODE_BYTES))
          .with(Registers.Name.RBX, part.descriptors().bits()).with(Registers.Name.R12, part.to() - part.from())
          .with(Registers.Name.R14, 0));
      ptrace.cont(stub.tid(), 0);
    } catch (SyscallException e) {
      died(e);
    }
  }

  /// ESRCH from a traced, stopped task says that it was killed.
  private void died(SyscallException e) throws SyscallException {
    if (e.errno() != Errno.ESRCH) {
      throw e;
    }
    outcome = Optional.of(new Outcome.Died(stub.lastStop(), children));
  }

  private void awaitPart(Deadline deadline) throws SyscallException {
    try {
      Optional<Stop> stop = ptrace.await(stub.tid(), deadline);
      if (stop.isPresent()) {
        take(stop.get());
      } else {
        interrupt();
      }
    } catch (SyscallException e) {
      died(e);
    }
  }

  private void take(Stop stop) throws SyscallException {
    switch (stop) {
      case Stop.Exited _, Stop.Killed _ -> {
        stub.gone(stop);
        outcome = Optional.of(new Outcome.Died(stop, children));
      }
      case Stop.EventStop event -> {
        if (event.event() == Ptrace.PTRACE_EVENT_CLONE || event.event() == Ptrace.PTRACE_EVENT_FORK
            || event.event() == Ptrace.PTRACE_EVENT_VFORK) {
          children.add(ptrace.newborn(stub.tid()));
        }
        ptrace.cont(stub.tid(), 0);
      }
      case Stop.GroupStop _ -> ptrace.cont(stub.tid(), 0);
      case Stop.SyscallStop _ -> throw new AssertionError("a runner that was not asked for syscall stops made one");
      case Stop.SignalDelivery signal -> take(signal);
    }
  }

  private void take(Stop.SignalDelivery stop) throws SyscallException {
    Registers now = ptrace.registers(stub.tid());
    if (stop.signal() == Stub.SIGTRAP && now.rip().equals(region.code().plus(StubCode.TRAP + 1))) {
      endOfPart(now);
    } else if (Stub.isFault(stop.signal())) {
      int index = readBack(now);
      outcome = Optional.of(new Outcome.Faulted(index, stop, progress.results(), born()));
    } else {
      // All that can be blocked is; what is left is a stranger's SIGSTOP or SIGTRAP: a half-made task cannot obey it.
      ptrace.cont(stub.tid(), 0);
    }
  }

  private void endOfPart(Registers now) throws SyscallException {
    long left = now.get(Registers.Name.R12);
    if (left != 0) {
      int index = readBack(now);
      progress.ran(index, stub.memory().readU64(new RemoteAddress(now.get(Registers.Name.RBX)).plus(56)));
      outcome = Optional.of(new Outcome.Stopped(index, progress.result(index), progress.results(), born()));
      return;
    }
    readBack(now);
    if (part.to() == progress.batch().size()) {
      outcome = Optional.of(new Outcome.Completed(progress.results(), born()));
    } else {
      part = Part.plan(progress.batch(), part.to(), region.area(), region.areaBytes());
      startPart();
    }
  }

  /// @return the index of the entry the runner stands at
  private int readBack(Registers now) throws SyscallException {
    int ran = part.to() - part.from() - Math.toIntExact(now.get(Registers.Name.R12));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment back = arena.allocate(part.lengthBytes() - part.outputsAt(), 8);
      stub.memory().read(part.area().plus(part.outputsAt()), back);
      part.decode(back, ran, progress);
    }
    return part.from() + ran;
  }

  private void interrupt() throws SyscallException {
    ptrace.interrupt(stub.tid());
    Optional<Stop> stop = ptrace.await(stub.tid(), Deadline.after(STOP_GRACE));
    if (stop.isPresent() && !(stop.get() instanceof Stop.EventStop event && event.event() == Stop.PTRACE_EVENT_STOP)) {
      take(stop.get());
      return;
    }
    int index = stop.isPresent() ? readBack(ptrace.registers(stub.tid())) : part.from();
    outcome = Optional.of(new Outcome.Late(index, progress.results(), born()));
  }

  /// Pairs the children the kernel told of with the births that succeeded: both come in the order of entries. Each
  /// child is waited for, so that it is stopped when its parent's batch has ended.
  private List<Newborn> born() throws SyscallException {
    List<Integer> births = progress.births();
    for (int i = born.size(); i < Math.min(births.size(), children.size()); i++) {
      Stub.awaitFirstStop(ptrace, children.get(i));
      born.add(new Newborn(births.get(i), children.get(i), Math.toIntExact(progress.result(births.get(i)))));
    }
    return born;
  }
}
