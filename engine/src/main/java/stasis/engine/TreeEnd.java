package stasis.engine;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
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
import stasis.tracee.stub.Batch;
import stasis.tracee.stub.Keeper;
import stasis.tracee.stub.Operand;

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
  private final Optional<Keeper> keeper;
  private final Moment.Listener listener;
  private boolean done;

  private TreeEnd(Ptrace ptrace, FrozenTree tree, Proc proc, Optional<Keeper> keeper,
      Moment.Listener listener) {
    this.listener = listener;
    this.ptrace = ptrace;
    this.tree = tree;
    this.proc = proc;
    this.keeper = keeper;
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
    return new TreeEnd(ptrace, tree, proc, tree.members().size() == 1 ? Optional.empty() : Optional.of(armed(tree)),
        listener);
  }

  /// All kills are left to the keeper as one undo: there is no moment at which it would end a part of them.
  private static Keeper armed(FrozenTree tree) throws SyscallException {
    Keeper keeper = Keeper.start();
    try {
      Batch kills = new Batch();
      for (FrozenTree.Member member : tree.members()) {
        Tid leader = member.group().leader();
        long pidfd = Syscalls.require("open a pidfd of task " + leader, Nr.PIDFD_OPEN, leader.value(), 0);
        try {
          kills.call(Nr.PIDFD_SEND_SIGNAL, Operand.imm(keeper.hold(new Fd((int) pidfd)).number()),
              Operand.imm(SIGKILL), Operand.imm(0), Operand.imm(0));
        } finally {
          Syscalls.call(Nr.CLOSE, pidfd);
        }
      }
      keeper.undo(kills);
      return keeper;
    } catch (SyscallException | RuntimeException | Error e) {
      keeper.close();
      throw e;
    }
  }

  /// @param warnings gets one for each pid that is not free when this returns @param letGo of the engine's copies of the
  ///     tree's files, when all have ended: who outside waits for the end of a terminal or a pipe may be who reaps the root
  void run(List<String> warnings, Runnable letGo) throws SyscallException {
    at("kill.armed");
    if (keeper.isPresent()) {
      bind();
    }
    Map<Tid, Optional<Tid>> parents = new HashMap<>();
    List<FrozenTree.Member> members = tree.members();
    for (FrozenTree.Member member : members.reversed()) {
      Tid leader = member.group().leader();
      parents.put(leader, parent(leader));
      reap(member.group(), children.getOrDefault(leader, List.of()));
      at("kill.reaped");
      Syscalls.require("end task " + leader, Nr.KILL, leader.value(), SIGKILL);
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

  /// From here on the kernel ends every task before it lets go of it, should we die (kernel/ptrace.c, exit_ptrace()):
  /// the keeper would only come when those that are left have run and seen the others gone.
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
    if (keeper.isPresent()) {
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
    try (Errand errand = group.errand(group.tasks().getFirst(), Deadline.after(DEATH_BOUND))) {
      errand.run(waits);
    } catch (ErrandRefusedException e) {
      // It cannot be asked: init, or the subreaper above, waits for them when it is gone.
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
    if (keeper.isPresent() && done) {
      keeper.get().close();
    } else {
      keeper.ifPresent(Keeper::leave);
    }
  }
}
