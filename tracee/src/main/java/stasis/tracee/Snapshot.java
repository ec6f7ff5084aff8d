package stasis.tracee;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import stasis.linux.abi.Arch;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// A copy-on-write copy of a frozen group's memory, held by a child that never runs. It outlives the freeze: the group
/// may go on while the copy is read ([#memory]). Dies with the tracer.
///
/// The thread T first makes a child I that shares its memory and tells nobody when it dies (`CLONE_VM`, exit signal 0);
/// I makes the copy C; I is killed, T reaps it, and C becomes a child of init. So T gets no SIGCHLD and has no child to
/// wait for, now or later ([Custody#GIVEN_AWAY]).
///
/// Where who adopts orphans belongs to the program, it would be told of C's end. A child subreaper is none as long as
/// copies are made ([Relief]). An init stays one: then C stays T's own child, one that tells nobody when it dies (exit
/// signal 0) and that wait(2) does not see but with `__WALL` or `__WCLONE`; once it has ended, its parent buries it for
/// us, in an errand of its own ([Burial], [Custody#KEPT]). An engine that is killed while it holds such a copy leaves T
/// with a child that has ended, until T ends.
///
/// C is in the cgroups of the group, and both are charged for the pages that the group then writes to. Where the kernel
/// must end somebody for want of memory, it is to be C, and the group lives. As long as one that it has chosen has its
/// memory, it chooses no other; but while that one exits, it counts as having none a moment before its pages are free
/// (mm/mmap.c, `exit_mmap()`: MMF_OOM_SKIP, then `tlb_finish_mmu()`), and a group that goes on writing would be the next.
/// So C stops before it exits (PTRACE_O_TRACEEXIT), its pages are freed there ([#freedIfEnded]), and it goes on to its
/// end only when closed. Unless that is done in two seconds, the kernel frees them by itself (mm/oom_kill.c,
/// `oom_reaper()`).
public final class Snapshot implements AutoCloseable {
  /// What came of it.
  public sealed interface Outcome {
    record Taken(Snapshot snapshot) implements Outcome {}

    /// A clone failed: RLIMIT_NPROC, pids.max or memory. The group is as it was.
    record Failed(Errno errno) implements Outcome {}

    /// The group died.
    record Died(Stop last) implements Outcome {}
  }

  /// Whose child the copy is while it is read.
  public enum Custody {
    /// Of init, or of who else adopts orphans: nobody of the program.
    GIVEN_AWAY,
    /// Of the task itself.
    KEPT
  }

  private static final String FIRST_TO_END = "1000";
  private static final int CLONE_VM = 0x100;
  private static final int PR_GET_CHILD_SUBREAPER = 37;
  private static final int CHILDREN =
      Ptrace.PTRACE_O_TRACEFORK | Ptrace.PTRACE_O_TRACEVFORK | Ptrace.PTRACE_O_TRACECLONE;

  private final Ptrace ptrace;
  private final Tid child;
  private final Optional<Burial> burial;

  private Snapshot(Ptrace ptrace, Tid child, Optional<Burial> burial) {
    this.ptrace = ptrace;
    this.child = child;
    this.burial = burial;
  }

  /// @param task the thread that makes the copy
  /// @throws ErrandRefusedException before anything has been changed
  public static Outcome take(FrozenGroup group, LiveTask task, Custody custody, Deadline deadline)
      throws ErrandRefusedException, SyscallException {
    refuseOtherNamespace(task);
    Flight flight = group.flight(task, 0, deadline);
    try {
      permit(flight, custody);
    } catch (ErrandRefusedException e) {
      flight.land();
      group.grounded(task);
      throw e;
    }
    Outcome outcome = new Maker(group, flight, custody).make();
    group.grounded(task);
    return outcome;
  }

  static void permit(Flight flight, Custody custody) throws ErrandRefusedException {
    ParachuteCode code = flight.code();
    if (custody == Custody.GIVEN_AWAY) {
      flight.permit("clone", number(Nr.CLONE), code.forkExit(), 0, CLONE_VM);
      flight.permit("clone", number(Nr.CLONE), code.exitExit(), 0, Signals.SIGCHLD);
    } else {
      flight.permit("clone", number(Nr.CLONE), code.forkExit(), 0, 0);
    }
    flight.permit("close_range", number(Nr.CLOSE_RANGE), code.exitExit(), 0, 0, 0xffffffffL, 0);
    flight.permit("setsid", number(Nr.SETSID), code.exitExit(), 0);
    flight.permit("waitid", ParachuteCode.WAITID, code.forkUndone(), 2, 1, 0, 0, 0x40000004L, 0);
    flight.permit("exit_group", ParachuteCode.EXIT_GROUP, code.exit(), 1);
  }

  /// As [#take], given away, by a thread that stays in its slot.
  static Outcome takeAloft(FrozenGroup group, Flight flight) throws SyscallException {
    return new Maker(group, flight, Custody.GIVEN_AWAY).aloft();
  }

  /// Asks a group, at the cost of an errand, whether it is a child subreaper (PR_SET_CHILD_SUBREAPER).
  public static boolean isSubreaper(FrozenGroup group, LiveTask task, Deadline deadline)
      throws ErrandRefusedException, SyscallException {
    try (Errand errand = group.errand(task, deadline)) {
      CallResult result = errand.run(java.util.List.of(RemoteCall.of(Nr.PRCTL,
          new RemoteArg.Imm(PR_GET_CHILD_SUBREAPER), new RemoteArg.Out(4)))).getFirst();
      return result instanceof CallResult.Returned returned && returned.outputs().getFirst().u32(0) != 0;
    }
  }

  /// Whether a group is the init of a pid namespace, which adopts the orphans of that.
  public static boolean isInit(Tid leader) {
    return TaskStatus.of(leader).filter(status -> status.innermostGroup() == 1).isPresent();
  }

  /// Its memory is the copy; nothing else of it resembles the group.
  public Tid child() {
    return child;
  }

  public RemoteMemory memory() {
    return new RemoteMemory(child);
  }

  /// Whether all that has been read of it was the copy: the kernel frees the pages of who is ended for want of memory
  /// before the task is gone. To be called on the tracer thread, after reading.
  public boolean isWhole() {
    return ptrace.stands(child);
  }

  /// Frees the memory of a copy that somebody has ended. To be called by any thread until it is closed.
  ///
  /// @return whether it was ended
  public boolean freedIfEnded() {
    // It stands still since it was made: there is news of its end only.
    if (!StopWaiter.hasNews(child)) {
      return false;
    }
    free(child);
    return true;
  }

  /// The pages of a task that is about to exit.
  static void free(Tid tid) {
    long pidfd = Syscalls.call(Nr.PIDFD_OPEN, tid.value(), 0);
    if (!Errno.isError(pidfd)) {
      Syscalls.call(Nr.PROCESS_MRELEASE, pidfd, 0);
      Syscalls.call(Nr.CLOSE, pidfd);
    }
  }

  /// Frees the copy. To be called on the tracer thread.
  @Override
  public void close() throws SyscallException {
    close(Set.of());
  }

  /// The same.
  ///
  /// @param program leaders of its groups: where one of them is the copy's parent, it buries it
  /// @return what of the copy is left in the program, and why; empty when it is gone
  public Optional<String> close(Set<Tid> program) throws SyscallException {
    if (burial.isPresent()) {
      return burial.get().of(child, program);
    }
    end(ptrace, child);
    return Optional.empty();
  }

  /// The first child of a task whose children belong to a pid namespace that has no init would be that.
  static void refuseOtherNamespace(LiveTask task) throws ErrandRefusedException {
    Tid tid = task.tid();
    try {
      if (!Files.readSymbolicLink(Path.of("/proc/" + tid + "/ns/pid"))
          .equals(Files.readSymbolicLink(Path.of("/proc/" + tid + "/ns/pid_for_children")))) {
        throw new ErrandRefusedException(new ErrandObstacle.ChildrenElsewhere(tid,
            "its children are born into another pid namespace"));
      }
    } catch (IOException e) {
      throw new ErrandRefusedException(new ErrandObstacle.ChildrenElsewhere(tid,
          "the pid namespace of its children cannot be told: " + e.getMessage()));
    }
  }

  private static long number(Nr nr) {
    return nr.on(Arch.X86_64);
  }

  /// Ends a task of ours and waits until it has.
  static void end(Ptrace ptrace, Tid tid) throws SyscallException {
    while (bringToExit(ptrace, tid)) {
      ptrace.cont(tid, 0);
    }
  }

  /// Ends a task of ours, which stops before it exits where it was asked to (PTRACE_O_TRACEEXIT).
  ///
  /// @return whether it stands there; else it has ended
  static boolean bringToExit(Ptrace ptrace, Tid tid) throws SyscallException {
    Syscalls.call(Nr.KILL, tid.value(), Signals.SIGKILL);
    Deadline deadline = Deadline.after(java.time.Duration.ofSeconds(30));
    while (true) {
      Stop stop = ptrace.await(tid, deadline).orElseThrow(() -> new SyscallException(Nr.WAIT4, Errno.ETIMEDOUT,
          "wait for the end of snapshot task " + tid));
      if (stop.isFinal()) {
        return false;
      }
      if (stop instanceof Stop.EventStop(_, int event) && event == Ptrace.PTRACE_EVENT_EXIT) {
        return true;
      }
    }
  }

  /// One taking. At any moment our death leads home: T waits for I in the slot; I and C exit by the slot, and are
  /// killed by PTRACE_O_EXITKILL once it is set.
  private record Maker(FrozenGroup group, Flight flight, Custody custody) {
    Outcome make() throws SyscallException {
      Outcome outcome = aloft();
      if (outcome instanceof Outcome.Died) {
        return outcome;
      }
      Optional<Stop> death = land(outcome);
      return death.isPresent() ? died(outcome, death.get()) : outcome;
    }

    /// As far as the exit stop behind the wait for the child, or, where it stays, behind its making.
    Outcome aloft() throws SyscallException {
      Ptrace ptrace = group.ptrace();
      Tid parent = flight.tid();
      ParachuteCode code = flight.code();
      ptrace.setOptions(parent, CHILDREN);
      group.faults().hit("snapshot.children-traced");
      flight.enter(code.fork(), number(Nr.CLONE), custody == Custody.KEPT ? 0 : CLONE_VM);
      Flight.Arrival arrival = flight.toExit(code.forkExit());
      Outcome outcome = switch (arrival) {
        case Flight.Arrival.Gone gone -> new Outcome.Died(gone.last());
        case Flight.Arrival.At(long value) -> {
          ptrace.setOptions(parent, 0);
          group.faults().hit("snapshot.children-untraced");
          yield Errno.isError(value) ? new Outcome.Failed(Errno.of(value)) : born((int) value);
        }
      };
      if (custody == Custody.GIVEN_AWAY && arrival instanceof Flight.Arrival.At(long value) && !Errno.isError(value)
          && flight.toExit(code.forkUndone()) instanceof Flight.Arrival.Gone gone) {
        return died(outcome, gone.last());
      }
      return outcome;
    }

    private static Outcome died(Outcome outcome, Stop last) throws SyscallException {
      if (outcome instanceof Outcome.Taken(Snapshot snapshot)) {
        end(snapshot.ptrace, snapshot.child);
      }
      return new Outcome.Died(last);
    }

    private Optional<Stop> land(Outcome outcome) throws SyscallException {
      boolean landed = false;
      try {
        Optional<Stop> death = flight.land();
        landed = true;
        return death;
      } finally {
        if (!landed && outcome instanceof Outcome.Taken(Snapshot snapshot)) {
          end(snapshot.ptrace, snapshot.child);
        }
      }
    }

    /// @param number of the child, as its parent sees it
    private Outcome born(int number) throws SyscallException {
      Tid child = flight.born().getFirst();
      if (custody == Custody.GIVEN_AWAY) {
        return copy(child);
      }
      boolean done = false;
      try {
        Outcome outcome = new Outcome.Taken(keeper(child, Optional.of(new Burial(group, flight.tid(), number))));
        done = true;
        return outcome;
      } finally {
        if (!done) {
          end(group.ptrace(), child); // its parent, still in the slot, buries it on its way home
        }
      }
    }

    private Outcome copy(Tid intermediate) throws SyscallException {
      Ptrace ptrace = group.ptrace();
      try {
        newborn(intermediate, CHILDREN | Ptrace.PTRACE_O_EXITKILL);
        run(intermediate, Nr.CLONE, Signals.SIGCHLD);
        Flight.Arrival arrival = flight.toExit(intermediate, flight.code().exitExit());
        return switch (arrival) {
          case Flight.Arrival.Gone gone -> throw new SyscallException(Nr.CLONE, Errno.ESRCH,
              "copy the memory of task " + flight.tid() + ": " + gone.last());
          case Flight.Arrival.At(long value) when Errno.isError(value) -> new Outcome.Failed(Errno.of(value));
          case Flight.Arrival.At _ -> new Outcome.Taken(keeper(flight.born().getLast(), Optional.empty()));
        };
      } finally {
        end(ptrace, intermediate);
        group.faults().hit("snapshot.intermediate-killed");
      }
    }

    /// C holds nothing but memory: no end of a pipe, no lock, and no membership of the group's session, whose number
    /// could else not be given out again until init has buried C. Its copy of the slot is cleared, so that it is the
    /// group's memory as the group itself will have it; whatever happens to it now ends in SIGKILL.
    private Snapshot keeper(Tid copy, Optional<Burial> burial) throws SyscallException {
      newborn(copy, Ptrace.PTRACE_O_EXITKILL | Ptrace.PTRACE_O_TRACEEXIT);
      offer(copy);
      run(copy, Nr.CLOSE_RANGE, 0, 0xffffffffL, 0);
      flight.toExit(copy, flight.code().exitExit());
      run(copy, Nr.SETSID);
      flight.toExit(copy, flight.code().exitExit());
      flight.slot().write(group.ptrace(), copy, 0, Bytes.zeros(Slot.BYTES));
      group.faults().hit("snapshot.taken");
      return new Snapshot(group.ptrace(), copy, burial);
    }

    /// To the kernel, as the first to be ended (proc_pid_oom_score_adj(5)). Everybody may raise the score of what is
    /// theirs; where a program is not dumpable the file is root's, and it stays as likely as the group.
    private static void offer(Tid copy) {
      try {
        Files.writeString(Path.of("/proc/" + copy + "/oom_score_adj"), FIRST_TO_END);
      } catch (IOException e) {
        return;
      }
    }

    private void newborn(Tid tid, int options) throws SyscallException {
      Stop stop = group.ptrace().await(tid, Deadline.after(java.time.Duration.ofSeconds(10))).orElseThrow(
          () -> new SyscallException(Nr.WAIT4, Errno.ETIMEDOUT, "wait for newborn task " + tid));
      if (stop.isFinal()) {
        throw new SyscallException(Nr.WAIT4, Errno.ESRCH, "wait for newborn task " + tid);
      }
      group.ptrace().setOptions(tid, options);
      group.faults().hit("snapshot.newborn");
    }

    private void run(Tid tid, Nr nr, long... arguments) throws SyscallException {
      Registers registers = group.ptrace().registers(tid);
      group.ptrace().setRegisters(tid,
          registers.forCall(flight.slot().at(flight.code().exit()), number(nr), arguments));
      group.faults().hit("snapshot.sent");
    }
  }
}
