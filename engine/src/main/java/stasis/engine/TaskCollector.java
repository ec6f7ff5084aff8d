package stasis.engine;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import stasis.image.ObjectId;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.ProcTask;
import stasis.procfs.Stat;
import stasis.procfs.Status;
import stasis.resource.CpuState;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.TaskState;
import stasis.resource.ZombieState;

/// Describes the tasks of a frozen tree: who they are, whose children, their registers. Ids go to all tasks first, so
/// that every later description can name any of them.
final class TaskCollector {
  /// What of a thread group another may share (kcmp(2)), and what to call it.
  private enum Shared {
    VM(1, "memory"), FILES(2, "table of open files"), FS(3, "working directory, root and umask"),
    SIGHAND(4, "signal handlers");

    private final int type;
    private final String what;

    Shared(int type, String what) {
      this.type = type;
      this.what = what;
    }
  }

  private final Proc proc;
  private final TreeView tree;
  private final Findings findings;
  private final Map<ObjectId, TaskState> tasks;
  private final Map<ObjectId, CpuState> cpus;
  private final Map<ObjectId, ZombieState> zombies;

  TaskCollector(Proc proc, TreeView tree, Findings findings, Map<ObjectId, TaskState> tasks,
      Map<ObjectId, CpuState> cpus, Map<ObjectId, ZombieState> zombies) {
    this.proc = proc;
    this.tree = tree;
    this.findings = findings;
    this.tasks = tasks;
    this.cpus = cpus;
    this.zombies = zombies;
  }

  List<GroupView> collect(Stopped stopped) throws ObstructedException {
    Map<Tid, List<ObjectId>> ids = new HashMap<>();
    for (Stopped.Group group : stopped.groups()) {
      var threads = new ArrayList<ObjectId>();
      for (Tid thread : group.frozen().threads()) {
        ObjectId id = tree.nextId();
        threads.add(id);
        tree.addTask(thread.value(), id);
      }
      ids.put(group.frozen().leader(), threads);
    }
    var groups = new ArrayList<GroupView>();
    for (Stopped.Group group : stopped.groups()) {
      List<ObjectId> threads = GroupPlan.require(ids, group.frozen().leader());
      ObjectId parent = group.parent().map(tid -> GroupPlan.require(ids, tid).getFirst()).orElse(threads.getFirst());
      groups.add(group(group.frozen(), threads, parent));
    }
    for (Stopped.Zombie zombie : stopped.zombies()) {
      zombie(zombie, GroupPlan.require(ids, zombie.parent()).getFirst());
    }
    refuseShared(groups);
    return groups;
  }

  private GroupView group(Frozen frozen, List<ObjectId> ids, ObjectId parent) throws ObstructedException {
    ObjectId mm = tree.nextId();
    ObjectId files = tree.nextId();
    GroupView group = new GroupView(tree, mm, files, frozen);
    ProcTask leader = proc.task(frozen.leader());
    for (int i = 0; i < ids.size(); i++) {
      Tid tid = frozen.threads().get(i);
      TaskView task = new TaskView(ids.get(i), leader.thread(tid), group, frozen);
      group.add(task);
      List<Integer> pids = task.status().nsPid().stream().map(Math::toIntExact).toList();
      tasks.put(task.id(), new TaskState(pids, ids.getFirst(), parent, mm, files, task.stat().pgrp(),
          task.stat().session(), task.stat().exitSignal(), task.status().name(), frozen.stopSignal(),
          isStopTold(leader, frozen)));
      cpus.put(task.id(), cpu(frozen.cpu(tid), task));
      findings.exact("core.task", task.subject());
    }
    return group;
  }

  /// Only the file of the whole group shows the stop that its parent can still wait for (fs/proc/array.c,
  /// do_task_stat()).
  private static boolean isStopTold(ProcTask leader, Frozen frozen) throws ObstructedException {
    try {
      return frozen.stopSignal() == 0 || leader.stat().exitCode() == 0;
    } catch (ProcException e) {
      throw TaskView.obstructed(frozen.leader(), "stat", e);
    }
  }

  private CpuState cpu(CpuState cpu, TaskView task) {
    cpu.sleep().filter(sleep -> !sleep.exact()).ifPresent(_ -> findings.approximate("core.cpu", task.subject(),
        Loss.of("the time left of its timed wait is an estimate of the scheduler's clock, a few ms off")));
    if (RestartCalls.isForgotten(cpu)) {
      findings.approximate("core.cpu", task.subject(), Loss.of("its timed wait cannot be read without BPF: it ends with"
          + " EINTR, or waits its whole time again"));
    }
    return cpu;
  }

  private void zombie(Stopped.Zombie zombie, ObjectId parent) throws ObstructedException {
    try {
      ProcTask task = proc.task(zombie.tid());
      Status status = task.status();
      Stat stat = task.stat();
      var state = new ZombieState(status.nsPid().stream().map(Math::toIntExact).toList(), parent, stat.pgrp(),
          stat.session(), stat.exitSignal(), stat.exitCode(), (int) status.uid().real(), status.name(),
          status.blocked(), status.ignored());
      ObjectId id = tree.nextId();
      tree.addTask(zombie.tid().value(), id);
      zombies.put(id, state);
      String subject = "zombie " + zombie.tid() + " (" + status.name() + ")";
      if (state.dumpedCore()) {
        findings.approximate("core.zombie", subject, Loss.of("that it left a core is forgotten"));
      }
      findings.approximate("core.zombie", subject, Loss.of("the CPU time it used is forgotten"));
    } catch (ProcException e) {
      throw TaskView.obstructed(zombie.tid(), "zombie", e);
    }
  }

  /// A process that shares what processes have each for themselves (CLONE_VM without CLONE_THREAD and its like) would
  /// come back with its own.
  private void refuseShared(List<GroupView> groups) throws ObstructedException {
    for (Shared shared : Shared.values()) {
      List<GroupView> sorted = new ArrayList<>(groups);
      sorted.sort((a, b) -> order(a, b, shared));
      for (int i = 1; i < sorted.size(); i++) {
        if (order(sorted.get(i - 1), sorted.get(i), shared) == 0) {
          findings.refuse("core.task", new Obstacle.Unsupported(sorted.get(i).subject(), "it shares its " + shared.what
              + " with " + sorted.get(i - 1).subject(), "wait until one of them ends or calls execve(2)"));
        }
      }
    }
  }

  /// kcmp(2): 0 equal, 1 less, 2 greater, 3 unequal without order.
  private static int order(GroupView a, GroupView b, Shared shared) {
    long order = Syscalls.call(Nr.KCMP, a.leader().tid().value(), b.leader().tid().value(), shared.type, 0, 0);
    return switch ((int) order) {
      case 0 -> 0;
      case 1 -> -1;
      case 2 -> 1;
      default -> throw new IllegalStateException("kcmp of " + a.subject() + " and " + b.subject() + " answered "
          + (Errno.isError(order) ? Errno.of(order).toString() : order));
    };
  }
}
