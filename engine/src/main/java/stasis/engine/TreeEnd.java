package stasis.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.Stat;
import stasis.tracee.Deadline;
import stasis.tracee.Errand;
import stasis.tracee.ErrandRefusedException;
import stasis.tracee.FrozenGroup;
import stasis.tracee.FrozenTree;
import stasis.tracee.LiveTask;
import stasis.tracee.Ptrace;
import stasis.tracee.RemoteArg;
import stasis.tracee.RemoteCall;
import stasis.tracee.Stop;

/// The end of a frozen tree after its checkpoint is committed. It is all or nothing: from the first SIGKILL on a keeper
/// stands ready to send the others, should we be killed in between. Children go before their parents, and each parent
/// waits for its children before it goes itself, so that their pids are free however late an init reaps.
final class TreeEnd implements AutoCloseable {
  private static final int SIGKILL = 9;
  private static final int WNOHANG = 1;
  private static final int WALL = 0x40000000;
  private static final Duration DEATH_BOUND = Duration.ofSeconds(30);
  private static final Duration REAP_BOUND = Duration.ofSeconds(5);
  private static final long POLL_NS = 500_000;

  private final Ptrace ptrace;
  private final FrozenTree tree;
  private final Proc proc;
  private final Map<Tid, List<Tid>> children = new HashMap<>();
  private final Optional<AllOrNone> all;
  private final Moment.Listener listener;
  private boolean done;

  private TreeEnd(Ptrace ptrace, FrozenTree tree, Proc proc, Optional<AllOrNone> all,
      Moment.Listener listener) {
    this.listener = listener;
    this.ptrace = ptrace;
    this.tree = tree;
    this.proc = proc;
    this.all = all;
    for (FrozenTree.Member member : tree.members()) {
      member.parent().ifPresent(parent -> childrenOf(parent).add(member.group().leader()));
    }
    tree.zombies().forEach(zombie -> childrenOf(zombie.parent()).add(zombie.tid()));
  }

  private List<Tid> childrenOf(Tid parent) {
    return children.computeIfAbsent(parent, _ -> new ArrayList<>());
  }

  /// Nothing is ended yet: should we die here, the tree runs on. One SIGKILL alone needs no keeper.
  static TreeEnd prepare(Ptrace ptrace, FrozenTree tree, Proc proc, Moment.Listener listener)
      throws SyscallException {
    return new TreeEnd(ptrace, tree, proc,
        tree.members().size() == 1 ? Optional.empty() : Optional.of(armed(tree)), listener);
  }

  /// At our death from here on a keeper ends all of them, and none runs a single instruction before that.
  private static AllOrNone armed(FrozenTree tree) throws SyscallException {
    var processes = new ArrayList<Tid>();
    var standing = new HashSet<Tid>();
    for (FrozenTree.Member member : tree.members()) {
      Tid leader = member.group().leader();
      processes.add(leader);
      if (stands(member)) {
        standing.add(leader);
      }
    }
    AllOrNone all = AllOrNone.over(processes, standing, AllOrNone.Fate.RUN, AllOrNone.Fate.END);
    try {
      for (FrozenTree.Member member : tree.members()) {
        if (!stands(member)) {
          stop(member);
        }
      }
      all.commit();
      return all;
    } catch (SyscallException | RuntimeException | Error e) {
      all.leave();
      throw e;
    }
  }

  private static boolean stands(FrozenTree.Member member) {
    return member.group().tasks().stream().anyMatch(LiveTask::groupStopped);
  }

  private static void stop(FrozenTree.Member member) throws SyscallException {
    for (LiveTask task : member.group().tasks()) {
      try {
        AllOrNone.stop(task.tid());
      } catch (SyscallException e) {
        if (e.errno() != Errno.ESRCH) {
          throw e;
        }
      }
    }
  }

  /// @param warnings gets one for each pid that is not free when this returns @param letGo of the engine's copies of the
  ///     tree's files, when all have ended: who outside waits for the end of a terminal or a pipe may be who reaps the root
  void run(List<String> warnings, Runnable letGo) throws SyscallException {
    at("kill.armed");
    if (all.isPresent()) {
      bind();
    }
    Map<Tid, Optional<Tid>> parents = new HashMap<>();
    List<FrozenTree.Member> members = tree.members();
    for (FrozenTree.Member member : members.reversed()) {
      Tid leader = member.group().leader();
      parents.put(leader, parent(leader));
      reap(member.group(), children.getOrDefault(leader, List.of()));
      at("kill.reaped");
      end(leader);
      at("kill.sent");
      for (LiveTask task : member.group().tasks()) {
        if (!task.tid().equals(leader)) {
          awaitEnd(task.tid());
        }
      }
      awaitEnd(leader);
      at("kill.ended");
    }
    done = true;
    letGo.run();
    Deadline reaped = Deadline.after(REAP_BOUND);
    for (FrozenTree.Member member : members.reversed()) {
      awaitFree(member.group().leader(), parents, reaped, warnings);
    }
    for (FrozenTree.Zombie zombie : tree.zombies()) {
      awaitFree(zombie.tid(), parents, reaped, warnings);
    }
  }

  /// Somebody else may have done so by now.
  private static void end(Tid leader) throws SyscallException {
    long sent = Syscalls.call(Nr.KILL, leader.value(), SIGKILL);
    if (Errno.isError(sent) && sent != -Errno.ESRCH.number()) {
      throw new SyscallException(Nr.KILL, Errno.of(sent), "end task " + leader);
    }
  }

  /// From here on the kernel ends every task before it lets go of it, should we die (kernel/ptrace.c, exit_ptrace()):
  /// parents are to make a call, and no SIGSTOP waits for them then.
  private void bind() throws SyscallException {
    for (FrozenTree.Member member : tree.members()) {
      for (LiveTask task : member.group().tasks()) {
        try {
          ptrace.setOptions(task.tid(), Ptrace.PTRACE_O_EXITKILL);
        } catch (SyscallException e) {
          if (e.errno() != Errno.ESRCH) {
            throw e;
          }
        }
      }
    }
    at("kill.bound");
  }

  /// One SIGKILL alone has no moment in between.
  private void at(String step) {
    if (all.isPresent()) {
      listener.at(new Moment.At(step));
    }
  }

  /// Lets a parent wait for its dead children. Where it may not make calls, who adopts them reaps them.
  private void reap(FrozenGroup group, List<Tid> dead) throws SyscallException {
    if (dead.isEmpty()) {
      return;
    }
    List<RemoteCall> waits = dead.stream().map(child -> RemoteCall.of(Nr.WAIT4, new RemoteArg.Imm(child.value()),
        new RemoteArg.Imm(0), new RemoteArg.Imm(WNOHANG | WALL), new RemoteArg.Imm(0))).toList();
    LiveTask waiter = group.tasks().getFirst();
    try {
      if (all.isPresent() && !waiter.groupStopped()) {
        AllOrNone.stop(waiter.tid()); // the first may be gone by somebody's SIGCONT
        if (!AllOrNone.comesToStop(ptrace, waiter.tid(), false)) {
          return;
        }
      }
      try (Errand errand = group.errand(waiter, Deadline.after(DEATH_BOUND))) {
        errand.run(waits);
      }
    } catch (ErrandRefusedException e) {
      // It cannot be asked: init, or the subreaper above, waits for them when it is gone.
    } catch (SyscallException e) {
      if (e.errno() != Errno.ESRCH) {
        throw e; // else it has ended by itself, or by somebody else's hand: as above
      }
    }
  }

  private void awaitFree(Tid task, Map<Tid, Optional<Tid>> parents, Deadline deadline, List<String> warnings) {
    while (exists(task)) {
      if (deadline.passed()) {
        warnings.add("task " + task + " has ended, but its parent"
            + parents.getOrDefault(task, Optional.empty()).map(p -> " " + p + " " + name(p)).orElse("")
            + " has not waited for it: its pid is free only then");
        return;
      }
      LockSupport.parkNanos(POLL_NS);
    }
  }

  private void awaitEnd(Tid tid) throws SyscallException {
    Deadline deadline = Deadline.after(DEATH_BOUND);
    try {
      while (true) {
        Optional<Stop> stop = ptrace.await(tid, deadline);
        if (stop.isEmpty()) {
          throw new SyscallException(Nr.WAIT4, Errno.ETIMEDOUT, "await the end of task " + tid);
        }
        if (stop.get().isFinal()) {
          return;
        }
      }
    } catch (SyscallException e) {
      if (e.errno() != Errno.ECHILD && e.errno() != Errno.ESRCH) {
        throw e;
      }
    }
  }

  private static boolean exists(Tid tid) {
    return Syscalls.call(Nr.KILL, tid.value(), 0) != -Errno.ESRCH.number();
  }

  private Optional<Tid> parent(Tid tid) {
    try {
      Stat stat = proc.task(tid).stat();
      return stat.ppid() > 0 ? Optional.of(new Tid(stat.ppid())) : Optional.empty();
    } catch (ProcException e) {
      return Optional.empty();
    }
  }

  private String name(Tid tid) {
    try {
      return "(" + proc.task(tid).stat().comm() + ")";
    } catch (ProcException e) {
      return "";
    }
  }

  /// All have ended, or the keeper ends the rest.
  @Override
  public void close() throws SyscallException {
    if (all.isPresent() && done) {
      all.get().close();
    } else {
      all.ifPresent(AllOrNone::leave);
    }
  }
}
