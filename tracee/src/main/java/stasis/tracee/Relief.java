package stasis.tracee;

import java.util.Optional;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;

/// A child subreaper that is none for a while, so that copies which are given away ([Snapshot]) go past it. One of its
/// threads waits in the slot, behind prctl(PR_SET_CHILD_SUBREAPER, 0); whatever becomes of us, it makes its group a
/// subreaper again before it goes home. If we die it lets 0.2 s pass before that: who makes copies then is killed with us,
/// and leaves them to whom it may concern only when it is dead.
///
/// Only while the whole tree stands still: whose parent somebody kills meanwhile is adopted by who comes next above.
public final class Relief implements AutoCloseable {
  private static final long PAUSE_NS = 200_000_000;

  private final FrozenGroup group;
  private final LiveTask task;
  private final Flight flight;
  private Optional<Stop> death = Optional.empty();
  private boolean broken = true;

  private Relief(FrozenGroup group, LiveTask task, Flight flight) {
    this.group = group;
    this.task = task;
    this.flight = flight;
  }

  /// @param group a child subreaper @throws ErrandRefusedException before anything has been changed
  public static Relief of(FrozenGroup group, Deadline deadline) throws ErrandRefusedException, SyscallException {
    LiveTask task = group.tasks().getFirst();
    Snapshot.refuseOtherNamespace(task);
    Flight flight = group.flight(task, 0, deadline);
    long prctl = Nr.PRCTL.on(Arch.X86_64);
    try {
      flight.permit("prctl", prctl, flight.code().forkUndone(), 0, ParachuteCode.PR_SET_CHILD_SUBREAPER, 0);
      flight.permit("ppoll", ParachuteCode.PPOLL, flight.code().slept(), 4, 0, 0, 0, 0);
      flight.permit("prctl", prctl, flight.code().adopted(), 0, ParachuteCode.PR_SET_CHILD_SUBREAPER, 1);
      Snapshot.permit(flight, Snapshot.Custody.GIVEN_AWAY);
    } catch (ErrandRefusedException e) {
      flight.land();
      group.grounded(task);
      throw e;
    }
    var relief = new Relief(group, task, flight);
    relief.begin(prctl);
    return relief;
  }

  private void begin(long prctl) throws SyscallException {
    flight.slot().write(group.ptrace(), task.tid(), Slot.PAUSE, Bytes.ofU64(0, PAUSE_NS));
    flight.slot().write(group.ptrace(), task.tid(), Slot.ADOPTS, Bytes.ofU64(1));
    group.faults().hit("relief.noted");
    flight.enter(flight.code().forkUndone() - ParachuteCode.SYSCALL_BYTES, prctl, ParachuteCode.PR_SET_CHILD_SUBREAPER, 0);
    arrived(flight.toExit(flight.code().forkUndone()), "stop adopting orphans");
    group.faults().hit("relief.begun");
    broken = false;
  }

  private void arrived(Flight.Arrival arrival, String attempt) throws SyscallException {
    switch (arrival) {
      case Flight.Arrival.Gone gone -> death = Optional.of(gone.last());
      case Flight.Arrival.At(long value) when Errno.isError(value) ->
          throw new SyscallException(Nr.PRCTL, Errno.of(value), "task " + task.tid() + ": " + attempt);
      case Flight.Arrival.At _ -> { }
    }
  }

  public FrozenGroup group() {
    return group;
  }

  /// A copy of its own memory; once.
  public Snapshot.Outcome take() throws SyscallException {
    if (death.isPresent()) {
      return new Snapshot.Outcome.Died(death.get());
    }
    broken = true; // until we know better
    Snapshot.Outcome outcome = Snapshot.takeAloft(group, flight);
    if (outcome instanceof Snapshot.Outcome.Died(Stop last)) {
      death = Optional.of(last);
    }
    broken = false;
    return outcome;
  }

  /// It is a subreaper again, and its thread is home. After a [SyscallException] it does nothing: the parachute does it
  /// when the group is let go.
  @Override
  public void close() throws SyscallException {
    if (broken || death.isPresent()) {
      return;
    }
    broken = true;
    flight.enter(flight.code().adopt(), Nr.PRCTL.on(Arch.X86_64), ParachuteCode.PR_SET_CHILD_SUBREAPER, 1);
    arrived(flight.toExit(flight.code().adopted()), "adopt orphans again");
    group.faults().hit("relief.ended");
    if (death.isEmpty()) {
      death = flight.land();
    }
    if (death.isEmpty()) {
      group.grounded(task);
    }
  }
}
