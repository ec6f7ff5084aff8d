package stasis.tracee;

import java.util.Collections;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;

/// Syscalls made by one thread of a frozen, living group on our behalf. Whatever becomes of us meanwhile, the thread
/// gets back to where it was, with nothing left behind but the bytes of the parachute in its vdso page.
///
/// The first [#run] maps scratch memory; `close()` lets the undos run, unmaps it and brings the thread home.
public final class Errand implements AutoCloseable {
  private static final int SCRATCH_BYTES = 64 * 1024;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_PRIVATE_ANONYMOUS = 0x22;

  private final FrozenGroup group;
  private final LiveTask task;
  private final Deadline deadline;
  private Optional<Flight> flight = Optional.empty();
  private RemoteAddress scratch = new RemoteAddress(0);
  private int scratchBytes;
  private RemoteAddress undoTop = new RemoteAddress(0);
  private RemoteAddress undoHead = new RemoteAddress(0);
  private Optional<Stop> death = Optional.empty();
  private boolean broken;
  private boolean flown;

  Errand(FrozenGroup group, LiveTask task, Deadline deadline) {
    this.group = group;
    this.task = task;
    this.deadline = deadline;
  }

  /// Runs the calls one after another, whatever each returns.
  ///
  /// @return a result for each; all `Died` once the task is gone
  /// @throws ErrandRefusedException before anything has been changed
  /// @throws SyscallException when ptrace(2) fails in a way not foreseen, or a call outlasts the errand's deadline; the
  ///     thread then gets home when it is let go, and this errand is over
  public List<CallResult> run(List<RemoteCall> calls) throws ErrandRefusedException, SyscallException {
    if (calls.isEmpty() || death.isPresent()) {
      return died(calls.size());
    }
    if (broken) {
      throw new ErrandRefusedException(new ErrandObstacle.OnItsWayBack(task.tid()));
    }
    broken = true; // until we know better
    List<CallResult> results;
    long began = System.nanoTime();
    try {
      Flight up = takeOff(calls);
      if (death.isEmpty()) {
        permit(up, calls);
        results = fly(up, calls);
      } else {
        results = died(calls.size());
      }
    } catch (ErrandRefusedException e) {
      broken = false;
      throw e;
    } catch (SyscallException e) {
      death = deathBehind(e);
      if (death.isEmpty()) {
        throw e;
      }
      results = died(calls.size());
    }
    broken = false;
    group.faults().called(task.tid(), calls, results, System.nanoTime() - began);
    return results;
  }

  private Optional<Stop> deathBehind(SyscallException failure) throws SyscallException {
    return flight.isEmpty() ? Optional.empty() : flight.get().deathBehind(failure);
  }

  /// Undoes what is to be undone and brings the thread home. After a [SyscallException] out of [#run] it does nothing:
  /// the parachute does it when the group is let go.
  @Override
  public void close() throws SyscallException {
    if (flight.isEmpty() || broken || death.isPresent()) {
      return;
    }
    Flight up = flight.get();
    flight = Optional.empty();
    broken = true; // until it is home
    try {
      bringHome(up);
    } catch (SyscallException e) {
      death = up.deathBehind(e);
      if (death.isEmpty()) {
        throw e;
      }
    }
    broken = false;
    group.grounded(task);
  }

  private void bringHome(Flight up) throws SyscallException {
    switch (up.toExit(up.code().unmapped())) {
      case Flight.Arrival.Gone gone -> death = Optional.of(gone.last());
      case Flight.Arrival.At(long value) -> {
        if (value != 0) {
          throw new AssertionError("munmap of our own scratch memory at " + scratch + " gave " + value);
        }
        death = up.land();
      }
    }
  }

  private List<CallResult> died(int count) {
    return death.<List<CallResult>>map(last -> Collections.nCopies(count, new CallResult.Died(last)))
        .orElse(List.of());
  }

  private Flight takeOff(List<RemoteCall> calls) throws ErrandRefusedException, SyscallException {
    int needed = Batch.lengthBytes(calls) + Batch.undoBytes(calls);
    if (flight.isPresent() && needed > undoTop.bits() - scratch.bits()) {
      if (undoHead.bits() != 0) {
        throw new IllegalArgumentException("a batch of " + needed + " bytes, while undos wait in "
            + scratchBytes + " bytes of scratch memory");
      }
      bringHome(flight.get());
      group.grounded(task);
      flight = Optional.empty();
    }
    if (flight.isEmpty()) {
      scratchBytes = Math.addExact(Math.max(needed, SCRATCH_BYTES), 4095) & -4096;
      flown = false;
      flight = Optional.of(group.flight(task, scratchBytes, deadline));
      map(flight.get());
    }
    return flight.orElseThrow();
  }

  private void map(Flight up) throws ErrandRefusedException, SyscallException {
    long[] arguments = {0, scratchBytes, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0};
    long mmap = Nr.MMAP.on(Arch.X86_64);
    try {
      up.permit("mmap", mmap, up.code().mapExit(), 0, arguments);
    } catch (ErrandRefusedException e) {
      up.land();
      flight = Optional.empty();
      group.grounded(task);
      throw e;
    }
    up.enter(up.code().map(), mmap, arguments);
    switch (up.toExit(up.code().mapExit())) {
      case Flight.Arrival.Gone gone -> death = Optional.of(gone.last());
      case Flight.Arrival.At(long value) when Errno.isError(value) -> {
        death = up.land();
        flight = Optional.empty();
        group.grounded(task);
        throw new ErrandRefusedException(new ErrandObstacle.NoScratch(task.tid(), Errno.of(value).meaning()));
      }
      case Flight.Arrival.At(long value) -> {
        scratch = new RemoteAddress(value);
        undoTop = scratch.plus(scratchBytes);
        undoHead = new RemoteAddress(0);
        // The thread still stands where its undo unmaps what rax holds; from the next entry on the slot must know.
        up.slot().write(group.ptrace(), task.tid(), Slot.SCRATCH, Bytes.ofU64(value));
        group.faults().hit("errand.scratch-noted");
      }
    }
  }

  /// Addresses of scratch memory are left open: a filter that looks at them is refused rather than guessed.
  private void permit(Flight up, List<RemoteCall> calls) throws ErrandRefusedException {
    for (RemoteCall call : calls) {
      long[] values = new long[6];
      int unknown = 0;
      for (int i = 0; i < call.arguments().size(); i++) {
        if (call.arguments().get(i) instanceof RemoteArg.Imm(long value)) {
          values[i] = value;
        } else {
          unknown |= 1 << i;
        }
      }
      up.permit(call.nr().kernelName(), call.nr().on(Arch.X86_64), up.code().runExit(), unknown, values);
      if (call.undo() == RemoteCall.Undo.CLOSE) {
        up.permit("close", Nr.CLOSE.on(Arch.X86_64), up.code().runExit(), 1);
      }
    }
    if (up.bell().isPresent()) {
      Bell bell = up.bell().get();
      up.permit("tgkill", Nr.TGKILL.on(Arch.X86_64), up.code().runExit(), 0, bell.group(), bell.thread(),
          bell.signal());
    }
  }

  /// Takes the thread off the calls of the last batch, which are about to be overwritten: its way home now starts with
  /// the undos.
  private void rewind(Flight up) throws SyscallException {
    if (!flown) {
      return;
    }
    if (undoHead.bits() == 0) {
      up.enter(up.code().unmap(), 0);
    } else {
      up.enterList(undoHead);
    }
  }

  private List<CallResult> fly(Flight up, List<RemoteCall> calls) throws SyscallException {
    var memory = new RemoteMemory(task.tid());
    rewind(up);
    var batch = new Batch(calls, up.bell(), scratch, undoTop, undoHead);
    for (Batch.Undo undo : batch.undos()) {
      memory.write(undo.at(), undo.image());
      undoTop = undo.at();
      undoHead = undo.at();
    }
    memory.write(scratch, batch.image());
    group.faults().hit("errand.calls-written");
    up.enterList(scratch);
    flown = true;
    Flight.Arrival arrival = up.bell().isPresent() ? up.toBell(batch.bellAt()) : eachCall(up, calls.size());
    switch (arrival) {
      case Flight.Arrival.Gone gone -> {
        death = Optional.of(gone.last());
        return died(calls.size());
      }
      case Flight.Arrival.At(long value) -> {
        if (up.bell().isEmpty()) {
          storeLast(memory, batch, calls.getLast(), value);
        }
      }
    }
    List<CallResult> results = batch.results(memory.read(scratch, Batch.lengthBytes(calls)));
    group.faults().hit("errand.results-read");
    return results;
  }

  private static Flight.Arrival eachCall(Flight up, int count) throws SyscallException {
    Flight.Arrival arrival = up.toExit(up.code().runExit());
    for (int i = 1; i < count && arrival instanceof Flight.Arrival.At; i++) {
      arrival = up.toExit(up.code().runExit());
    }
    return arrival;
  }

  /// Without a bell the thread stands right behind its last call. The runner would store the result on its way; a later
  /// batch takes the thread off that way.
  private void storeLast(RemoteMemory memory, Batch batch, RemoteCall last, long value) throws SyscallException {
    memory.write(scratch.plus(batch.lastResult()), Bytes.ofU64(value));
    if (last.undo() == RemoteCall.Undo.CLOSE) {
      memory.write(undoHead.plus(ParachuteCode.ARGUMENTS), Bytes.ofU64(value));
      group.faults().hit("errand.undo-noted");
    }
  }
}
