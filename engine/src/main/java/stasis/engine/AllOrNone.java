package stasis.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.tracee.Deadline;
import stasis.tracee.PendingSignals;
import stasis.tracee.Ptrace;
import stasis.tracee.Stop;
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Keeper;
import stasis.tracee.stub.KeeperFd;
import stasis.tracee.stub.Operand;

/// Stopped tracees that are let go or ended one behind the other, and yet all or none of them, should the engine be
/// killed in between.
///
/// What becomes of a tracee whose tracer dies is said for each by itself: it runs on at once, or dies with
/// PTRACE_O_EXITKILL (kernel/ptrace.c, `exit_ptrace()`). So a part of a program could run on alone. Therefore each gets
/// a SIGSTOP that stays pending: whom the engine's death lets go takes it before any instruction of its own
/// (kernel/signal.c, `get_signal()`), and stands. A keeper then does to all of them what was decided: one thing
/// before [#commit], the other from then on. Only after such a death somebody could see that they stood.
final class AllOrNone implements AutoCloseable {
  private static final Duration TAKEN_WITHIN = Duration.ofSeconds(2);
  /// So many times that, for one that gets no CPU, or is in a cgroup that has been frozen: a minute.
  private static final int PATIENCE = 30;
  private static final int SIGSTOP = 19;
  private static final int SIGCONT = 18;
  private static final int SIGKILL = 9;

  /// What a keeper does to all of them.
  enum Fate { RUN, END }

  private final Keeper keeper;
  private final Batch after;

  private AllOrNone(Keeper keeper, Batch after) {
    this.keeper = keeper;
    this.after = after;
  }

  /// A keeper stands by from here on.
  ///
  /// @param processes all of them @param standing those in a group stop of their own: they are not made to go on
  /// @param before [#commit] @param after it
  static AllOrNone over(Collection<Tid> processes, Collection<Tid> standing, Fate before, Fate after)
      throws SyscallException {
    Keeper keeper = Keeper.start();
    var pidfds = new ArrayList<Fd>();
    try {
      for (Tid process : processes) {
        pidfds.add(new Fd((int) Syscalls.require("open a pidfd of task " + process, Nr.PIDFD_OPEN, process.value(),
            0)));
      }
      List<KeeperFd> held = keeper.hold(pidfds);
      var moved = new ArrayList<KeeperFd>();
      int at = 0;
      for (Tid process : processes) {
        if (!standing.contains(process)) {
          moved.add(held.get(at));
        }
        at++;
      }
      keeper.undo(signals(before, held, moved));
      return new AllOrNone(keeper, signals(after, held, moved));
    } catch (SyscallException | RuntimeException | Error e) {
      keeper.close();
      throw e;
    } finally {
      pidfds.forEach(pidfd -> Syscalls.call(Nr.CLOSE, pidfd.value()));
    }
  }

  private static Batch signals(Fate fate, List<KeeperFd> all, List<KeeperFd> moved) {
    var batch = new Batch();
    for (KeeperFd pidfd : fate == Fate.END ? all : moved) {
      batch.call(Nr.PIDFD_SEND_SIGNAL, pidfd.operand(), Operand.imm(fate == Fate.END ? SIGKILL : SIGCONT),
          Operand.imm(0), Operand.imm(0));
    }
    if (batch.size() == 0) {
      batch.call(Nr.GETPID); // an undo has at least one call
    }
    return batch;
  }

  /// From here on this one stands, should it be let go. Its SIGSTOP is taken off the queue where it is let go for good.
  static void stop(Tid task) throws SyscallException {
    Syscalls.require("have task " + task + " stand at our end", Nr.TKILL, task.value(), SIGSTOP);
  }

  /// Brings a task to where it takes our SIGSTOP off the queue, no instruction of its own later: continued without a
  /// signal it does not stand.
  ///
  /// @param delivers whether it gets what it takes before: its own signals
  /// @return whether it is there, else it is on its way already, or has ended
  static boolean comesToStop(Ptrace ptrace, Tid task, boolean delivers) throws SyscallException {
    for (int signal = 0; ;) {
      ptrace.cont(task, signal);
      signal = 0;
      Optional<Stop> stop = awaitTaken(ptrace, task);
      if (stop.isEmpty()) {
        ptrace.release(task);
        if (PendingSignals.has(task, SIGSTOP)) {
          Syscalls.call(Nr.TKILL, task.value(), SIGCONT); // it shall not stand later
        }
        return false;
      }
      switch (stop.get()) {
        case Stop.SignalDelivery delivery when delivery.signal() == SIGSTOP -> {
          return true;
        }
        case Stop.SignalDelivery delivery -> signal = delivers ? delivery.signal() : 0;
        case Stop.GroupStop _ -> {
          return true;
        }
        case Stop.Exited _, Stop.Killed _ -> {
          return false;
        }
        case Stop.EventStop _, Stop.SyscallStop _ -> { }
      }
    }
  }

  /// @return empty where somebody's SIGCONT has taken it away, or it does not come
  private static Optional<Stop> awaitTaken(Ptrace ptrace, Tid task) throws SyscallException {
    Optional<Stop> stop = Optional.empty();
    for (int waits = 0; stop.isEmpty() && (waits == 0 || waits < PATIENCE && PendingSignals.has(task, SIGSTOP)); waits++) {
      stop = ptrace.await(task, Deadline.after(TAKEN_WITHIN));
    }
    return stop;
  }

  /// The other thing is done to all of them from now on: a single write.
  void commit() throws SyscallException {
    keeper.undoOnly(after);
  }

  /// The keeper does now what is decided.
  void leave() {
    keeper.leave();
  }

  /// The engine has done all of it itself.
  @Override
  public void close() throws SyscallException {
    keeper.close();
  }
}
