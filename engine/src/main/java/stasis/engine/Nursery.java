package stasis.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.locks.LockSupport;
import stasis.image.ObjectId;
import stasis.linux.abi.Errno;
import stasis.linux.abi.SyscallException;
import stasis.resource.Step;
import stasis.tracee.Deadline;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.BatchRun;
import stasis.tracee.stub.Birth;
import stasis.tracee.stub.CloneArgs;
import stasis.tracee.stub.Newborn;
import stasis.tracee.stub.Outcome;
import stasis.tracee.stub.PidTakenException;
import stasis.tracee.stub.Stub;

/// Births of all tasks of a tree but the root.
final class Nursery {
  private static final Duration BORN_WITHIN = Duration.ofMinutes(30);
  private static final Duration PID_FREE_WITHIN = Duration.ofSeconds(5);
  private static final Duration TID_FREE_WITHIN = Duration.ofSeconds(1);
  private static final long TID_RETRY_NS = 1_000_000;
  private static final long CLONE_THREAD_FLAGS = 0x100 | 0x200 | 0x400 | 0x800 | 0x10000 | 0x40000;

  private final Births births;

  Nursery(Births births) {
    this.births = births;
  }

  /// @param walker makes the calls that numbers are waited for with
  Stub child(Step.Birth.Child child, Stub parent, Stub walker) throws SyscallException, StepFailedException {
    if (births.inTurn() && !child.pids().isEmpty()) {
      return inTurn(parent, new CloneArgs(child.cloneFlags(), child.exitSignal(), List.of()), child.pids().getLast(),
          walker);
    }
    try {
      List<Integer> pids = child.pids().isEmpty() ? List.of() : births.setTid(child.pids()).reversed();
      return Birth.of(parent, new CloneArgs(child.cloneFlags(), child.exitSignal(), pids),
          Deadline.after(PID_FREE_WITHIN));
    } catch (PidTakenException e) {
      throw new StepFailedException(e);
    }
  }

  /// One that has another number than wanted dies, a thread with its leader.
  private Stub inTurn(Stub parent, CloneArgs args, int wanted, Stub walker)
      throws SyscallException, StepFailedException {
    Stub born = Birth.inTurn(parent, args, births.awaitTurn(walker, wanted));
    if (born.tid().value() == wanted) {
      return born;
    }
    if ((args.flags() & CloneArgs.CLONE_THREAD) == 0) {
      born.close();
    }
    throw StepFailedException.missed(wanted);
  }

  /// Threads of one leader, in one batch where their numbers can be chosen.
  SequencedMap<ObjectId, Stub> threads(Stub leader, List<Step.Spawn> spawns, Stub walker)
      throws SyscallException, StepFailedException {
    if (!births.inTurn()) {
      return atOnce(leader, spawns);
    }
    var born = new LinkedHashMap<ObjectId, Stub>();
    for (Step.Spawn spawn : spawns) {
      born.put(spawn.in(), inTurn(leader, new CloneArgs(CLONE_THREAD_FLAGS, 0, List.of()),
          spawn.birth().pids().getLast(), walker));
    }
    return born;
  }

  private SequencedMap<ObjectId, Stub> atOnce(Stub leader, List<Step.Spawn> spawns)
      throws SyscallException, StepFailedException {
    Batch batch = new Batch();
    Map<Integer, ObjectId> byEntry = new HashMap<>();
    for (Step.Spawn spawn : spawns) {
      List<Integer> pids = births.setTid(spawn.birth().pids());
      byEntry.put(new CloneArgs(CLONE_THREAD_FLAGS, 0, new ArrayList<>(pids).reversed()).addTo(batch), spawn.in());
    }
    return switch (born(leader.start(batch))) {
      case Outcome.Completed(_, var born) -> {
        var stubs = new LinkedHashMap<ObjectId, Stub>();
        for (Newborn newborn : born) {
          stubs.put(GroupPlan.require(byEntry, newborn.entry()), leader.adopt(newborn));
        }
        yield stubs;
      }
      // Whoever was born already dies with the leader, whose thread it is.
      case Outcome other -> throw new StepFailedException("birth of a thread of task " + leader.tid() + ": "
          + text(other));
    };
  }

  /// The number of a thread that has just died is free a little after the thread is nowhere to be seen any more
  /// (kernel/exit.c, `release_task()`).
  private static Outcome born(BatchRun run) throws SyscallException {
    Outcome outcome = run.await(Deadline.after(BORN_WITHIN));
    Deadline patience = Deadline.after(TID_FREE_WITHIN);
    while (outcome instanceof Outcome.Stopped stopped && stopped.result() == -Errno.EEXIST.number()
        && !patience.passed()) {
      LockSupport.parkNanos(TID_RETRY_NS);
      outcome = run.again(Deadline.after(BORN_WITHIN));
    }
    return outcome;
  }

  private static String text(Outcome outcome) {
    return outcome instanceof Outcome.Stopped(int _, long result, _, _) && Errno.isError(result)
        ? Errno.of(result).toString() : outcome.getClass().getSimpleName();
  }
}
