package stasis.tracee;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// One thread away from home in a slot. From the first [#enter] on it gets home by itself if we die: every later step
/// is one system call of ours between two states that both lead home.
///
/// Signals, but for one that has no handler ([Bell]), are blocked all the while we live, so no handler runs on top of
/// the slot. The mask is blocked only after the
/// registers are at an entry whose undo restores it, and unblocked before they leave.
final class Flight {
  /// Where a thread has got to.
  sealed interface Arrival {
    record At(long value) implements Arrival {}

    record Gone(Stop last) implements Arrival {}
  }

  private static final SigSet ALL_SIGNALS = new SigSet(-1);
  private static final Duration GRACE = Duration.ofSeconds(2);
  /// How many stops are seen past the deadline before it is given up.
  private static final int LATE_STOPS = 16;

  private final Ptrace ptrace;
  private final Tid tid;
  private final Registers home;
  private final SigSet mask;
  private final Slot slot;
  private final ParachuteCode code;
  private final InjectionGuard guard;
  private final Optional<Bell> bell;
  private final Deadline deadline;
  private final FaultPoints faults;
  private final List<Tid> born = new ArrayList<>();
  private boolean entered;
  private int lateStops;

  private Flight(FrozenGroup group, Tid tid, Registers home, SigSet mask, Slot slot, ParachuteCode code,
      InjectionGuard guard, Deadline deadline) {
    this.ptrace = group.ptrace();
    this.faults = group.faults();
    this.tid = tid;
    this.home = home;
    this.mask = mask;
    this.slot = slot;
    this.code = code;
    this.guard = guard;
    this.bell = Bell.of(guard.status(), mask);
    this.deadline = deadline;
  }

  /// Makes sure of the way home and writes it into the task. No register has been changed yet.
  ///
  /// @param scratchBytes length of the mapping that `map` will make
  static Flight prepare(FrozenGroup group, LiveTask task, long scratchBytes, Deadline deadline)
      throws ErrandRefusedException, SyscallException {
    Ptrace ptrace = group.ptrace();
    Tid tid = task.tid();
    InjectionGuard guard = InjectionGuard.of(ptrace, task);
    var memory = new RemoteMemory(tid);
    Optional<RseqConfiguration> rseq = ptrace.rseq(tid);
    Registers home = rseq.isEmpty() ? task.registers() : RseqSection.aborted(task.registers(), rseq.get(), memory);
    Registers next = RestartRules.continuation(home);
    if (!next.rip().equals(home.rip())
        && !memory.read(next.rip(), 2).equals(Machine.of(stasis.linux.abi.Arch.X86_64).syscallInstruction())) {
      throw new ErrandRefusedException(new ErrandObstacle.ForeignCall(tid, next.rip()));
    }
    Slot slot = new SlotFinder(tid, group.tasks(), group.slotsBehindVdso()).find();
    ParachuteCode code = ParachuteCode.CODE;
    SigSet mask = ptrace.signalMask(tid);
    var flight = new Flight(group, tid, home, mask, slot, code, guard, deadline);
    flight.permitWayHome(scratchBytes);
    slot.write(ptrace, tid, 0, Slot.image(next, mask, code, scratchBytes));
    flight.faults.hit("errand.slot-written");
    return flight;
  }

  private void permitWayHome(long scratchBytes) throws ErrandRefusedException {
    permit("munmap", ParachuteCode.MUNMAP, code.unmapped(), 1, 0, scratchBytes);
    permit("rt_sigprocmask", ParachuteCode.RT_SIGPROCMASK, code.masked(), 0, 2, slot.at(Slot.MASK).bits(), 0, 8);
  }

  /// @param unknown bit i for an argument i whose value is not known yet
  void permit(String name, long number, int exit, int unknown, long... arguments) throws ErrandRefusedException {
    if (guard.filters().isEmpty()) {
      return;
    }
    guard.permit(new InjectionGuard.Planned(name, number, slot.at(exit),
        LongStream.of(arguments).boxed().toList(), unknown));
  }

  Tid tid() {
    return tid;
  }

  Slot slot() {
    return slot;
  }

  ParachuteCode code() {
    return code;
  }

  /// Children that the thread's calls have made since, by the tracer's numbers.
  List<Tid> born() {
    return List.copyOf(born);
  }

  Optional<Bell> bell() {
    return bell;
  }

  /// Puts the thread at an entry with a call's registers loaded. It does not run yet.
  void enter(int entry, long number, long... arguments) throws SyscallException {
    enter(home.forCall(slot.at(entry), number, arguments));
  }

  /// Puts the thread at the start of a list of calls.
  void enterList(RemoteAddress first) throws SyscallException {
    enter(home.withOrigRax(-1).withRip(slot.at(code.run())).with(Registers.Name.RBX, first.bits()));
  }

  private void enter(Registers registers) throws SyscallException {
    ptrace.setRegisters(tid, registers);
    faults.hit("errand.entered");
    if (!entered) {
      entered = true;
      ptrace.setSignalMask(tid, bell.map(Bell::allOthers).orElse(ALL_SIGNALS));
      faults.hit("errand.signals-blocked");
    }
  }

  /// Lets the thread run up to the exit of the syscall before `exit`.
  ///
  /// @param exit offset in the slot @return the syscall's result
  Arrival toExit(int exit) throws SyscallException {
    return toExit(tid, exit);
  }

  /// The same for a child of the thread, which runs in the same slot, or a copy of it.
  Arrival toExit(Tid runner, int exit) throws SyscallException {
    int signal = 0;
    while (true) {
      ptrace.syscall(runner, signal);
      faults.hit("errand.resumed");
      Stop stop = next(runner);
      signal = 0;
      switch (stop) {
        case Stop.SyscallStop _ -> {
          SyscallInfo info = ptrace.syscallInfo(runner);
          if (info.kind() == SyscallInfo.Kind.EXIT && info.next().equals(slot.at(exit))) {
            return new Arrival.At(interrupted(runner, info.value()));
          }
        }
        case Stop.EventStop event when event.event() != Stop.PTRACE_EVENT_STOP ->
            born.add(ptrace.newborn(runner));
        case Stop.SignalDelivery delivery -> signal = delivery.signal(); // SIGSTOP, or our bell from elsewhere
        case Stop.GroupStop _, Stop.EventStop _ -> { }
        case Stop.Exited _, Stop.Killed _ -> {
          return new Arrival.Gone(stop);
        }
      }
    }
  }

  /// Lets the thread run through a list of calls until the bell at its end rings.
  ///
  /// @param ringing where in the list the bell's call stands
  Arrival toBell(RemoteAddress ringing) throws SyscallException {
    int signal = 0;
    while (true) {
      ptrace.cont(tid, signal);
      faults.hit("errand.continued");
      Stop stop = next(tid);
      signal = 0;
      switch (stop) {
        case Stop.SignalDelivery delivery -> {
          Registers registers = ptrace.registers(tid);
          if (bell.filter(one -> one.signal() == delivery.signal()).isPresent()
              && registers.rip().equals(slot.at(code.runExit()))
              && registers.get(Registers.Name.RBX) == ringing.bits()) {
            return new Arrival.At(registers.rax());
          }
          signal = delivery.signal(); // SIGSTOP, or the same signal from elsewhere
        }
        case Stop.GroupStop _, Stop.EventStop _ -> interrupted(tid, ptrace.registers(tid).rax());
        case Stop.SyscallStop _ -> { }
        case Stop.Exited _, Stop.Killed _ -> {
          return new Arrival.Gone(stop);
        }
      }
    }
  }

  /// A call of ours that was interrupted shall not be restarted by the kernel: it has failed with EINTR.
  private long interrupted(Tid runner, long value) throws SyscallException {
    if (value > -Errno.ERESTARTSYS.number() || value < -Errno.ERESTART_RESTARTBLOCK.number()) {
      return value;
    }
    ptrace.setRegisters(runner,
        ptrace.registers(runner).withRax(-Errno.EINTR.number()).withOrigRax(-1));
    faults.hit("errand.interrupted");
    return -Errno.EINTR.number();
  }

  /// What holds a thread still from elsewhere (a cgroup that is frozen now) shows as stops without end.
  private Stop next(Tid runner) throws SyscallException {
    Optional<Stop> stop = ptrace.await(runner, deadline);
    if (stop.isEmpty() || deadline.passed()) {
      lateStops++;
    }
    if (stop.isEmpty() && lateStops <= LATE_STOPS) {
      ptrace.interrupt(runner);
      stop = ptrace.await(runner, Deadline.after(GRACE));
    }
    faults.hit("errand.stop-seen");
    return stop.filter(one -> one.isFinal() || lateStops <= LATE_STOPS).orElseThrow(() -> new SyscallException(
        Nr.PTRACE, Errno.ETIMEDOUT, "wait for task " + runner + " to come back from a call",
        "it gets home by itself once the call returns"));
  }

  /// From an exit stop whose undo has been done: back to the freeze, as if the thread had never been away. The stop in
  /// which the registers are set is one of the kernel's `get_signal()`, so that the kernel itself restarts the call the
  /// thread was frozen in, or makes it EINTR if a signal has come meanwhile.
  Optional<Stop> land() throws SyscallException {
    if (entered) {
      Optional<Stop> gone = toSignalStop();
      if (gone.isPresent()) {
        return gone;
      }
      ptrace.setSignalMask(tid, mask);
      faults.hit("errand.mask-restored");
      ptrace.setRegisters(tid, home);
      faults.hit("errand.home");
    }
    slot.write(ptrace, tid, 0, Bytes.zeros(Slot.BYTES));
    faults.hit("errand.slot-cleared");
    return Optional.empty();
  }

  /// Whether a failure is only the task's death, which SIGKILL can bring in any stop.
  Optional<Stop> deathBehind(SyscallException failure) throws SyscallException {
    if (failure.errno() != Errno.ESRCH) {
      return Optional.empty();
    }
    Deadline last = Deadline.after(GRACE);
    Optional<Stop> stop;
    do {
      stop = ptrace.await(tid, last);
    } while (stop.isPresent() && !stop.get().isFinal());
    return stop;
  }

  private Optional<Stop> toSignalStop() throws SyscallException {
    int signal = 0;
    while (true) {
      ptrace.interrupt(tid);
      faults.hit("errand.interrupt-asked");
      ptrace.cont(tid, signal);
      faults.hit("errand.continued");
      Stop stop = next(tid);
      switch (stop) {
        case Stop.SignalDelivery delivery -> signal = delivery.signal();
        case Stop.GroupStop _, Stop.EventStop _ -> {
          return Optional.empty();
        }
        case Stop.SyscallStop _ -> signal = 0;
        case Stop.Exited _, Stop.Killed _ -> {
          return Optional.of(stop);
        }
      }
    }
  }
}
