package stasis.tracee;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// A thread group whose every thread is stopped. Belongs to the tracer thread. `close()` lets all of them go, whatever
/// happened; a group that SIGSTOP had stopped stays stopped.
public final class FrozenGroup implements AutoCloseable {
  /// What came of a freeze.
  public sealed interface Outcome {
    record Frozen(FrozenGroup group) implements Outcome {}

    /// Nothing is traced or stopped any more.
    record Obstructed(List<FreezeObstacle> obstacles) implements Outcome {
      public Obstructed {
        obstacles = List.copyOf(obstacles);
      }
    }
  }

  private final Ptrace ptrace;
  private final Tid leader;
  private final List<LiveTask> tasks;
  /// Asked for once a thread, so it is not looked for among all of them each time.
  private final boolean leaderIsDead;
  private final FaultPoints faults;
  /// Threads whose registers are not their own.
  private final Set<Tid> airborne = new TreeSet<>();
  private Optional<List<Slot>> slotsBehindVdso = Optional.empty();

  FrozenGroup(Ptrace ptrace, Tid leader, List<LiveTask> tasks, FaultPoints faults) {
    this.ptrace = ptrace;
    this.leader = leader;
    this.tasks = tasks.stream().sorted(Comparator.comparing(LiveTask::tid)).toList();
    this.leaderIsDead = this.tasks.stream().noneMatch(task -> task.tid().equals(leader));
    this.faults = faults;
  }

  /// Stops all threads of the group `leader` leads, or none.
  ///
  /// @param deadline for the whole freeze; a thread that does not stop by then is an obstacle
  /// @throws SyscallException for what cannot be explained as an obstacle; nothing stays stopped then either
  public static Outcome freeze(Ptrace ptrace, Tid leader, Deadline deadline, FaultPoints faults)
      throws SyscallException {
    return new Freezer(ptrace, leader, deadline, faults).freeze();
  }

  public Tid leader() {
    return leader;
  }

  /// Ascending by tid. The leader is missing when it has exited and only its threads live on ([#leaderIsDead]).
  public List<LiveTask> tasks() {
    return tasks;
  }

  public boolean leaderIsDead() {
    return leaderIsDead;
  }

  /// A live thread that shows what all have: the leader, if it is one.
  public Tid shown() {
    return leaderIsDead ? tasks.getFirst().tid() : leader;
  }

  /// Any thread shows the memory of all.
  public RemoteMemory memory() {
    return new RemoteMemory(tasks.getFirst().tid());
  }

  /// Syscalls made by one of the threads; see [Errand]. One errand at a time for each thread.
  ///
  /// @param deadline for all of it; a call that outlasts it is interrupted
  public Errand errand(LiveTask task, Deadline deadline) {
    return new Errand(this, task, deadline);
  }

  /// The thread's registers count as not its own from here to [#grounded].
  Flight flight(LiveTask task, long scratchBytes, Deadline deadline) throws ErrandRefusedException, SyscallException {
    if (airborne.contains(task.tid())) {
      throw new ErrandRefusedException(new ErrandObstacle.OnItsWayBack(task.tid()));
    }
    Flight flight = Flight.prepare(this, task, scratchBytes, deadline);
    airborne.add(task.tid());
    return flight;
  }

  void grounded(LiveTask task) {
    airborne.remove(task.tid());
  }

  /// Looked for once: the vdso does not move while all threads are stopped.
  List<Slot> slotsBehindVdso() {
    if (slotsBehindVdso.isEmpty()) {
      slotsBehindVdso = Optional.of(SlotFinder.behindVdso(tasks.getFirst().tid()));
    }
    return slotsBehindVdso.get();
  }

  Ptrace ptrace() {
    return ptrace;
  }

  FaultPoints faults() {
    return faults;
  }

  @Override
  public void close() {
    for (LiveTask task : tasks) {
      ptrace.release(task.tid());
      faults.hit("freeze.detached");
    }
  }
}
