package stasis.engine;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import stasis.image.ObjectId;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.resource.Arg;
import stasis.resource.Host;
import stasis.resource.KindSet;
import stasis.resource.MmState;
import stasis.resource.Program;
import stasis.resource.Script;
import stasis.resource.Step;
import stasis.resource.TaskState;
import stasis.resource.ZombieState;

/// Writes the whole program of a tree: the parts of its processes in the order in which they depend on each other.
final class TreePlan {
  private static final int SIGCHLD = 17;
  private static final int SIGTRAP = 5;
  private static final int WNOHANG = 1;
  private static final int WUNTRACED = 2;
  private static final int WALL = 0x40000000;
  private static final int PR_SET_NAME = 15;
  private static final int PR_SET_CHILD_SUBREAPER = 36;
  private static final int PR_SET_DUMPABLE = 4;
  private static final int SIGNALS = 64;
  private static final int SIGKILL = 9;
  private static final int SIGSTOP = 19;
  private static final long CLONE_PARENT = 0x8000;
  private static final int SIGSET_BYTES = 8;

  private final Capture capture;
  private final BirthOrder order;
  private final Sharers sharers;
  private final RemoteAddress region;
  private final int imageFd;
  private final Program program = new Program();
  private final SequencedMap<ObjectId, GroupPlan> groups = new LinkedHashMap<>();
  /// Whose memory each helper and zombie was born with does not matter; of processes it is this.
  private final Map<ObjectId, Optional<MmState>> bornWith = new HashMap<>();
  /// By whom the memory that a task has was first had.
  private final Map<ObjectId, ObjectId> spaces = new HashMap<>();
  /// What is in such a memory.
  private final Map<ObjectId, Optional<MmState>> memoryNow = new HashMap<>();
  /// A process itself; the process that a helper descends from.
  private final Map<ObjectId, ObjectId> bornOf = new HashMap<>();
  private final Map<ObjectId, Integer> pids = new HashMap<>();
  /// Where programs cannot be set.
  private final Optional<TakeOvers> takeOvers;

  TreePlan(KindSet kinds, Capture capture, Host host, BirthOrder order, RemoteAddress region, int imageFd,
      Map<ObjectId, RemoteAddress> holes) {
    this.capture = capture;
    this.order = order;
    this.sharers = Sharers.of(capture.leaders());
    this.region = region;
    this.imageFd = imageFd;
    this.takeOvers = host.setsProgram() ? Optional.empty() : Optional.of(new TakeOvers(kinds, capture));
    var made = new Made(imageFd + 1 + StubFiles.STDIO, host);
    var owned = new Owned(capture);
    for (Map.Entry<ObjectId, TaskState> leader : capture.leaders()) {
      groups.put(leader.getKey(),
          new GroupPlan(kinds, capture, owned, program, leader.getKey(), imageFd, holes, made, host, sharers));
      pids.put(leader.getKey(), leader.getValue().ownPid());
    }
    capture.zombies().forEach((id, zombie) -> pids.put(id, zombie.ownPid()));
  }

  Program write() {
    Map.Entry<ObjectId, TaskState> root = capture.root();
    program.append(new Step.Spawn(root.getKey(), new Step.Birth.Root(root.getValue().pids(), region, imageFd),
        "birth of " + root.getValue().comm()));
    execute(root.getKey(), Optional.empty());
    GroupPlan first = GroupPlan.require(groups, root.getKey());
    first.birth(Optional.empty());
    bornOf.put(root.getKey(), root.getKey());
    first.makeFiles();
    spaces.put(root.getKey(), root.getKey());
    memoryNow.put(root.getKey(), Optional.empty());
    bornWith.put(root.getKey(), Optional.empty());
    order.acts().forEach(this::act);
    capture.zombies().forEach(this::endZombie);
    first.finishBodies();
    each(Part.MM).forEach(GroupPlan::leaveHoles);
    threads();
    // A thread born in a stopped group would wait for its end.
    capture.leaders().forEach(leader -> stop(leader.getKey(), leader.getValue()));
    files();
    flushSignals();
    groups.values().forEach(GroupPlan::attributes);
    capture.leaders().forEach(leader -> leader.getValue().ended().ifPresent(_ -> program.in(leader.getKey()).call(
        Nr.PRCTL, "name of a leader that has ended", Arg.imm(PR_SET_NAME), Arg.string(leader.getValue().comm()))));
    var threads = new ArrayList<>(capture.cpus().entrySet());
    threads.reversed().forEach(cpu -> program.append(new Step.Release(cpu.getKey(), cpu.getValue(),
        "thread goes on")));
    return program;
  }

  /// Each pass for all processes before the next: a description is connected while all others are still at hand, and
  /// what belongs to a process comes when nothing of it is closed any more.
  private void files() {
    Map<ObjectId, ObjectId> makers = new HashMap<>();
    GroupPlan root = GroupPlan.require(groups, capture.root().getKey());
    root.carried().forEach(file -> makers.put(file, capture.root().getKey()));
    List<GroupPlan> tables = each(Part.FILES);
    LentNumbers lent = LentNumbers.of(capture);
    tables.forEach(group -> group.lend(lent));
    tables.forEach(group -> group.lateFiles(makers));
    tables.forEach(GroupPlan::places);
    tables.forEach(group -> group.takeBack(lent));
    Set<ObjectId> connected = new HashSet<>();
    for (boolean last : new boolean[] {false, true}) {
      tables.forEach(group -> group.connect(last, connected));
      root.connectCarried(last, connected);
    }
    tables.forEach(GroupPlan::closeKept);
    tables.forEach(GroupPlan::connectOwn);
    Set<ObjectId> described = new HashSet<>();
    tables.forEach(group -> group.describeFiles(described));
  }

  /// One process for each of what they may share.
  private List<GroupPlan> each(Part part) {
    return groups.entrySet().stream().filter(group -> sharers.isFirst(part, group.getKey())).map(Map.Entry::getValue)
        .toList();
  }

  private void act(BirthOrder.Act act) {
    switch (act) {
      case BirthOrder.Act.Bear(var parent, var child, _, var shares, boolean sibling) ->
          bear(parent, child, shares, sibling);
      case BirthOrder.Act.BearHelper(var parent, var helper, var pid, var shares) -> {
        program.append(new Step.Spawn(helper, new Step.Birth.Child(parent, pid.map(List::of).orElse(List.of()),
            flags(shares), SIGCHLD), "a helper"));
        inherit(parent, helper, shares);
        bornOf.put(helper, GroupPlan.require(bornOf, parent));
        pid.ifPresent(number -> pids.put(helper, number));
      }
      case BirthOrder.Act.Unshare(var task, var part) -> program.in(task).call(Nr.UNSHARE, part.what() + " of its own",
          Arg.imm(part.cloneFlag()));
      case BirthOrder.Act.FoundSession(var task) -> {
        program.in(task).call(Nr.SETSID, "lead a session");
        Optional.ofNullable(groups.get(task)).ifPresent(GroupPlan::session);
      }
      case BirthOrder.Act.CompleteMemory(var task) -> complete(task);
      case BirthOrder.Act.AdoptOrphans(var task, boolean on) -> program.in(task).call(Nr.PRCTL,
          on ? "orphans come here" : "orphans go where they went", Arg.imm(PR_SET_CHILD_SUBREAPER),
          Arg.imm(on ? 1 : 0));
      case BirthOrder.Act.JoinGroup(var task, var leader) -> program.in(task).call(Nr.SETPGID,
          task.equals(leader) ? "lead a process group" : "join a process group", Arg.imm(0),
          Arg.imm(task.equals(leader) ? 0 : GroupPlan.require(pids, leader)));
      case BirthOrder.Act.End(var helper, var parent) -> end(helper, parent);
    }
  }

  /// Where it cannot be given its program it executes that, before anything else: then all it has is as execve(2) left
  /// it.
  ///
  /// @param of the process that it was born of, or none
  private boolean execute(ObjectId task, Optional<ObjectId> of) {
    Optional<PathBytes> own = takeOvers.filter(all -> all.executes(task, of)).flatMap(all -> all.program(task));
    own.ifPresent(path -> program.append(new Step.TakeOver(task, path, "its program, which it cannot be given")));
    return own.isPresent();
  }

  /// Of one process after the other; by their numbers where each has to be waited for.
  private void threads() {
    if (takeOvers.isEmpty()) {
      groups.values().forEach(GroupPlan::threads);
      return;
    }
    capture.tasks().entrySet().stream().filter(task -> !task.getKey().equals(task.getValue().leader()))
        .sorted(Comparator.comparingInt(task -> task.getValue().ownPid()))
        .forEach(task -> GroupPlan.thread(program, task.getKey(), task.getValue()));
  }

  private static long flags(Set<Part> shares) {
    return shares.stream().mapToLong(Part::cloneFlag).sum();
  }

  /// Whoever shares memory has what is done to it by any of them.
  private void inherit(ObjectId parent, ObjectId child, Set<Part> shares) {
    ObjectId space = GroupPlan.require(spaces, parent);
    Optional<MmState> memory = GroupPlan.require(memoryNow, space);
    bornWith.put(child, memory);
    spaces.put(child, shares.contains(Part.MM) ? space : child);
    memoryNow.putIfAbsent(GroupPlan.require(spaces, child), memory);
  }

  /// @param sibling its exit signal is its parent's then, and clone3(2) insists on none
  private void bear(ObjectId parent, ObjectId child, Set<Part> shares, boolean sibling) {
    ZombieState zombie = capture.zombies().get(child);
    inherit(parent, child, shares);
    if (zombie != null) {
      program.append(new Step.Spawn(child, new Step.Birth.Child(parent, zombie.pids(), 0, zombie.exitSignal()),
          "birth of " + zombie.comm() + ", which is to be a zombie"));
      return;
    }
    TaskState task = GroupPlan.require(capture.tasks(), child);
    program.append(new Step.Spawn(child, new Step.Birth.Child(parent, task.pids(),
        flags(shares) | (sibling ? CLONE_PARENT : 0), sibling ? 0 : task.exitSignal()),
        "birth of " + task.comm()));
    if (execute(child, Optional.of(GroupPlan.require(bornOf, parent)))) {
      bornWith.put(child, Optional.empty());
      memoryNow.put(child, Optional.empty());
    }
    GroupPlan.require(groups, child).birth(Optional.of(GroupPlan.require(bornOf, parent)));
    bornOf.put(child, child);
  }

  /// A copy keeps what is still its parent's; who has memory of its own throws away what it was born with.
  private void complete(ObjectId task) {
    MmState mm = GroupPlan.require(capture.mms(), GroupPlan.require(capture.tasks(), task).mm());
    Optional<Inheritance> inherited = GroupPlan.require(bornWith, task).map(parents -> mm.base().isPresent()
        ? Inheritance.of(parents, mm, capture.items()) : Inheritance.none(parents));
    GroupPlan.require(groups, task).memory(inherited);
    memoryNow.put(GroupPlan.require(spaces, task), Optional.of(mm));
  }

  private void end(ObjectId helper, ObjectId parent) {
    program.append(new Step.End(helper, 0, new SigSet(0), "a helper is done"));
    // Its pid is known when it was chosen, else any child that has ended is it: nobody else has by now.
    int pid = pids.getOrDefault(helper, -1);
    program.in(parent).call(Nr.WAIT4, "the helper is gone", Arg.imm(pid), Arg.imm(0), Arg.imm(WALL), Arg.imm(0));
  }

  private void endZombie(ObjectId id, ZombieState zombie) {
    Script script = program.in(id);
    script.call(Nr.PRCTL, "name of the zombie", Arg.imm(PR_SET_NAME), Arg.string(zombie.comm()));
    script.call(Nr.PRCTL, "no core", Arg.imm(PR_SET_DUMPABLE), Arg.imm(0));
    for (int signal = 1; signal <= SIGNALS; signal++) {
      if (signal != SIGKILL && signal != SIGTRAP && signal != SIGSTOP) {
        script.call(Nr.RT_SIGACTION, "action of signal " + signal, Arg.imm(signal),
            Arg.data(Bytes.ofU64(zombie.ignored().contains(signal) ? 1 : 0, 0, 0, 0)), Arg.imm(0),
            Arg.imm(SIGSET_BYTES));
      }
    }
    if (zombie.uid() != 0) {
      script.call(Nr.SETRESUID, "uid of the zombie", Arg.imm(zombie.uid()), Arg.imm(zombie.uid()),
          Arg.imm(zombie.uid()));
    }
    program.append(new Step.End(id, zombie.status(), zombie.blocked(), "a zombie again"));
  }

  /// The parent hears of the stop now, and waits for it where it did.
  private void stop(ObjectId id, TaskState task) {
    if (task.stopSignal() == 0) {
      return;
    }
    program.append(new Step.Stop(id, task.stopSignal(), "stopped, as it was"));
    if (task.stopTold() && !task.parent().equals(id)) {
      program.in(task.parent()).callExpecting(task.ownPid(), Nr.WAIT4, "the stop is known to the parent",
          Arg.imm(task.ownPid()), Arg.imm(0), Arg.imm(WUNTRACED | WNOHANG | WALL), Arg.imm(0));
    }
  }

  /// Signals of the ends and stops above; those of the checkpoint come back after. One of each sort can be pending at most.
  private void flushSignals() {
    Set<ObjectId> told = new HashSet<>();
    capture.zombies().values().forEach(zombie -> told.add(zombie.parent()));
    capture.leaders().stream().filter(leader -> leader.getValue().stopSignal() != 0)
        .forEach(leader -> told.add(leader.getValue().parent()));
    order.acts().forEach(act -> {
      if (act instanceof BirthOrder.Act.End(_, var parent)) {
        told.add(parent);
      }
    });
    for (ObjectId parent : told.stream().sorted().toList()) {
      program.in(parent).callTolerating(Set.of(Errno.EAGAIN), Nr.RT_SIGTIMEDWAIT, "signals of helpers and zombies",
          Arg.data(Bytes.ofU64(~(1L << (SIGTRAP - 1)))), Arg.imm(0), Arg.data(Bytes.ofU64(0, 0)),
          Arg.imm(SIGSET_BYTES));
    }
  }
}
