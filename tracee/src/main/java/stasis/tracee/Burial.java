package stasis.tracee;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;

/// The end of a copy that is a child of the program ([Snapshot.Custody#KEPT]): whose child it is by then waits for it, in
/// an errand, while all its threads stand still, and so none of them sees anything. Its pages are freed before that.
///
/// The kernel tells nobody of the end of a child whose exit signal is 0, unless its parent has executed a program since
/// it was born (kernel/signal.c, `do_notify_parent()`), or ended, so that another has adopted it (kernel/exit.c,
/// `reparent_leader()`). Then a SIGCHLD is pending in the parent, and is taken back, if it is of this child alone.
///
/// @param group of the task that made the copy @param number of the copy in that group's pid namespace
record Burial(FrozenGroup group, Tid task, int number) {
  private static final Duration BOUND = Duration.ofSeconds(2);
  private static final int P_PID = 1;
  private static final int WNOHANG_WEXITED_WALL = 0x40000005;
  private static final int CLD_EXITED = 1;
  /// Of `siginfo_t`, and of what it says of a child.
  private static final int INFO_BYTES = 128;
  private static final int CODE = 8;
  private static final int CHILD = 16;

  /// Ends the copy and has it buried.
  ///
  /// @param program leaders of its groups @return what is left of the copy in the program, and why
  Optional<String> of(Tid copy, Set<Tid> program) throws SyscallException {
    Ptrace ptrace = group.ptrace();
    boolean exits = Snapshot.bringToExit(ptrace, copy);
    if (exits) {
      Snapshot.free(copy);
    }
    Tid parent = exits ? TaskStatus.of(copy).flatMap(TaskStatus::parent).orElse(group.leader()) : group.leader();
    group.faults().hit("burial.freed");
    if (!parent.equals(group.leader()) && !program.contains(parent)) {
      end(ptrace, copy, exits);
      return Optional.empty();
    }
    if (parent.equals(group.leader()) && ptrace.stands(task)) {
      return in(group, copy, exits);
    }
    return switch (FrozenGroup.freeze(ptrace, parent, Deadline.after(BOUND), group.faults())) {
      case FrozenGroup.Outcome.Frozen(FrozenGroup fresh) -> {
        try (fresh) {
          yield in(fresh, copy, exits);
        }
      }
      case FrozenGroup.Outcome.Obstructed(var found) -> {
        end(ptrace, copy, exits);
        yield left(copy, parent, found.stream().map(FreezeObstacle::message).collect(Collectors.joining("; ")));
      }
    };
  }

  private static void end(Ptrace ptrace, Tid copy, boolean exits) throws SyscallException {
    if (exits) {
      ptrace.cont(copy, 0);
      Snapshot.end(ptrace, copy);
    }
  }

  /// @param exits whether it stands before its exit; else it has ended
  private Optional<String> in(FrozenGroup parent, Tid copy, boolean exits) throws SyscallException {
    Ptrace ptrace = group.ptrace();
    LiveTask mourner = parent.tasks().getFirst();
    Set<Tid> before = ended(parent.leader());
    boolean toldBefore = !tellings(ptrace, mourner.tid(), Ptrace.Queue.SHARED).isEmpty();
    end(ptrace, copy, exits);
    group.faults().hit("burial.ended");
    try (Errand errand = parent.errand(mourner, Deadline.after(BOUND))) {
      CallResult waited = errand.run(List.of(RemoteCall.of(Nr.WAITID, new RemoteArg.Imm(P_PID),
          new RemoteArg.Imm(number), new RemoteArg.Out(INFO_BYTES), new RemoteArg.Imm(WNOHANG_WEXITED_WALL),
          new RemoteArg.Imm(0)))).getFirst();
      group.faults().hit("burial.waited");
      List<Bytes> told = tellings(ptrace, mourner.tid(), Ptrace.Queue.SHARED);
      if (!toldBefore && told.stream().anyMatch(info -> info.u32(CODE) > 0 && info.u32(CHILD) == number)
          && tellings(ptrace, mourner.tid(), Ptrace.Queue.PRIVATE).isEmpty()) {
        takeBack(errand, told.getFirst(), parent, before);
      }
      return switch (waited) {
        case CallResult.Returned(long _, var outputs) when outputs.getFirst().u32(CHILD) == number -> Optional.empty();
        case CallResult.Returned _ -> left(copy, parent.leader(), "it was not told of it");
        case CallResult.Failed(var errno) when errno == stasis.linux.abi.Errno.ECHILD -> Optional.empty();
        case CallResult.Failed(var errno) -> left(copy, parent.leader(), "waitid: " + errno.meaning());
        case CallResult.Died _ -> left(copy, parent.leader(), "that ended in the same moment");
      };
    } catch (ErrandRefusedException e) {
      return left(copy, parent.leader(), e.obstacle().message());
    }
  }

  /// Another child that ended since the copy did has told by the same signal, which is pending once at most: it is told
  /// of anew.
  private static void takeBack(Errand errand, Bytes info, FrozenGroup parent, Set<Tid> before)
      throws ErrandRefusedException, SyscallException {
    errand.run(List.of(RemoteCall.of(Nr.RT_SIGTIMEDWAIT,
        new RemoteArg.In(Bytes.ofU64(new SigSet(1L << (Signals.SIGCHLD - 1)).bits())), new RemoteArg.Out(INFO_BYTES),
        new RemoteArg.In(Bytes.zeros(16)), new RemoteArg.Imm(SigSet.BYTES))));
    Set<Tid> since = ended(parent.leader());
    since.removeAll(before);
    Optional<TaskStatus> other = since.stream().findFirst().flatMap(TaskStatus::of);
    Optional<TaskStatus> itself = TaskStatus.of(parent.leader());
    if (other.isPresent() && itself.isPresent()) {
      errand.run(List.of(RemoteCall.of(Nr.RT_SIGQUEUEINFO, new RemoteArg.Imm(itself.get().innermostGroup()),
          new RemoteArg.Imm(Signals.SIGCHLD), new RemoteArg.In(
              info.withU32(CODE, CLD_EXITED).withU32(CHILD, other.get().innermostGroup())))));
    }
  }

  private static List<Bytes> tellings(Ptrace ptrace, Tid task, Ptrace.Queue queue) throws SyscallException {
    return ptrace.pending(task, queue).stream().filter(info -> info.u32(0) == Signals.SIGCHLD).toList();
  }

  private static Set<Tid> ended(Tid parent) {
    return TaskStatus.children(parent).stream()
        .filter(child -> TaskStatus.of(child).filter(TaskStatus::dead).isPresent())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Optional<String> left(Tid copy, Tid parent, String why) {
    return Optional.of("task " + parent + " has a child " + copy + " that has ended, a copy of memory which could not be"
        + " buried: " + why + "; it goes when the task ends");
  }
}
