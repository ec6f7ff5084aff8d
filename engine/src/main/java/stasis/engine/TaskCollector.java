package stasis.engine;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import stasis.image.ObjectId;
import stasis.linux.abi.Tid;
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
  /// Pending, it is a group stop that no thread has begun yet: none can block it.
  private static final int SIGSTOP = 19;

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
      if (hasEnded(group.frozen())) {
        threads.add(tree.nextId());
        tree.addTask(group.frozen().leader().value(), threads.getFirst());
      }
      for (Tid thread : group.frozen().threads()) {
        ObjectId id = tree.nextId();
        threads.add(id);
        tree.addTask(thread.value(), id);
      }
      ids.put(group.frozen().leader(), threads);
    }
    // The leader may be dead; what it shared its threads have.
    List<Tid> live = stopped.groups().stream().map(group -> group.frozen().threads().getFirst()).toList();
    Map<Part, Map<Tid, Tid>> firsts = new EnumMap<>(Part.class);
    for (Part part : Part.values()) {
      firsts.put(part, part.firsts(live));
    }
    Map<Tid, GroupView> groups = new LinkedHashMap<>();
    for (Stopped.Group group : stopped.groups()) {
      List<ObjectId> threads = GroupPlan.require(ids, group.frozen().leader());
      ObjectId parent = group.parent().map(tid -> GroupPlan.require(ids, tid).getFirst()).orElse(threads.getFirst());
      Tid first = group.frozen().threads().getFirst();
      groups.put(first, group(group.frozen(), threads, parent, part -> Optional.of(
          GroupPlan.require(GroupPlan.require(firsts, part), first)).filter(other -> !other.equals(first))
          .map(other -> GroupPlan.require(groups, other))));
    }
    for (Stopped.Zombie zombie : stopped.zombies()) {
      zombie(zombie, GroupPlan.require(ids, zombie.parent()).getFirst());
    }
    tellOutside(live, groups);
    tellSharers(live, firsts, groups);
    return List.copyOf(groups.values());
  }

  /// @param with the first that shares a part with it, if another
  private GroupView group(Frozen frozen, List<ObjectId> ids, ObjectId parent,
      Function<Part, Optional<GroupView>> with) throws ObstructedException {
    ObjectId mm = with.apply(Part.MM).map(GroupView::mm).orElseGet(tree::nextId);
    ObjectId files = with.apply(Part.FILES).map(GroupView::files).orElseGet(tree::nextId);
    Optional<ObjectId> fs = with.apply(Part.FS).map(other -> other.leader().id());
    Optional<ObjectId> handlers = with.apply(Part.HANDLERS).map(other -> other.leader().id());
    GroupView group = new GroupView(tree, mm, files, frozen);
    ObjectId leaderId = ids.getFirst();
    List<ObjectId> alive = hasEnded(frozen) ? ids.subList(1, ids.size()) : ids;
    tree.addGroup(group);
    ProcTask leader = proc.task(frozen.leader());
    List<TaskView> views = SideBySide.made(alive.size(),
        i -> new TaskView(alive.get(i), leader.thread(frozen.threads().get(i)), group, frozen));
    boolean stopping = frozen.stopSignal() == 0 && (views.getFirst().status().sharedPending().contains(SIGSTOP)
        || views.stream().anyMatch(view -> view.status().pending().contains(SIGSTOP)));
    boolean stopTold = !stopping && isStopTold(leader, frozen);
    Function<TaskView, TaskState> described = task -> new TaskState(
        task.status().nsPid().stream().map(Math::toIntExact).toList(), leaderId, parent, mm, files, task.stat().pgrp(),
        task.stat().session(), task.stat().exitSignal(), task.status().name(),
        stopping ? SIGSTOP : frozen.stopSignal(), stopTold, fs, handlers, hasEnded(frozen) && task.id().equals(leaderId)
            ? Optional.of(new TaskState.Ended(task.stat().exitCode(), task.status().blocked())) : Optional.empty());
    if (hasEnded(frozen)) {
      TaskView ended = new TaskView(leaderId, leader, group, frozen);
      tasks.put(leaderId, described.apply(ended));
      findings.exact("core.task", ended.subject());
      group.ended(new TaskView(leaderId, leader.thread(frozen.threads().getFirst()), group, frozen));
    }
    for (TaskView task : views) {
      group.add(task);
      tasks.put(task.id(), described.apply(task));
      cpus.put(task.id(), cpu(frozen.cpu(task.tid()), task));
      findings.exact("core.task", task.subject());
    }
    return group;
  }

  private static boolean hasEnded(Frozen frozen) {
    return !frozen.threads().getFirst().equals(frozen.leader());
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

  /// A task outside that writes the same memory does not stand still for the checkpoint.
  private void tellOutside(List<Tid> live, Map<Tid, GroupView> groups) throws ObstructedException {
    Set<Integer> inside = new HashSet<>();
    groups.values().forEach(group -> inside.add(group.pid()));
    List<Tid> others;
    try {
      others = proc.tgids().stream().filter(task -> !inside.contains(task.value())).toList();
    } catch (ProcException e) {
      throw new ObstructedException("/proc", e, "");
    }
    for (Part part : Part.values()) {
      part.shared(live, others, (other, task) -> {
        String subject = GroupPlan.require(groups, task).subject();
        String who = "it shares its " + part.what() + " with task " + other + name(other) + " outside the tree";
        if (part == Part.MM) {
          findings.refuse("core.task", new Obstacle.Unsupported(subject, who, "checkpoint both together, or wait until"
              + " one of them ends or calls execve(2)"));
        } else {
          findings.approximate("core.task", subject, Loss.of(who + ": when it comes back, it has its own"));
        }
      });
    }
  }

  private void tellSharers(List<Tid> live, Map<Part, Map<Tid, Tid>> firsts, Map<Tid, GroupView> groups) {
    firsts.forEach((part, first) -> {
      Map<Tid, List<Tid>> sets = new LinkedHashMap<>();
      live.forEach(task -> sets.computeIfAbsent(GroupPlan.require(first, task), _ -> new ArrayList<>()).add(task));
      sets.forEach((task, all) -> {
        if (all.size() > 1) {
          findings.exact("core.task", GroupPlan.require(groups, task).subject() + " " + part.what(),
              Findings.sharedBy(all, one -> GroupPlan.require(groups, one).subject()));
        }
      });
    });
  }

  private String name(Tid task) {
    try {
      return " (" + proc.task(task).status().name() + ")";
    } catch (ProcException e) {
      return "";
    }
  }
}
