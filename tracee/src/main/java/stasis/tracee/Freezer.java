package stasis.tracee;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Self;
import stasis.linux.sys.Syscalls;

/// One attempt to stop a thread group. Never waits on one thread alone: all stops are polled in turn under one
/// deadline, since a vfork parent, or a task in D state, stops only when something else happens.
final class Freezer {
  private static final int ROUNDS = 64;
  private static final int SEIZE_TRIES = 16;
  /// Before the first of these points nothing of a tree has been touched.
  static final String LOOKED = "freeze.looked";
  /// A first thread whose number another one takes by an execve(2) goes without a sign: only a look finds it gone.
  private static final Duration LOOK_EVERY = Duration.ofMillis(10);

  private final Ptrace ptrace;
  private final Tid leader;
  private final Deadline deadline;
  private final FaultPoints faults;
  private final Map<Tid, LiveTask> stopped = new TreeMap<>();
  private final Set<Tid> running = new TreeSet<>();
  /// Whether a tracer has used the 512 bytes as a slot.
  private final Map<Slot, Boolean> slots = new HashMap<>();
  private final List<FreezeObstacle> obstacles = new ArrayList<>();
  private final Tid ourselves = new Tid((int) Syscalls.call(Nr.GETTID));
  /// Since the last look at those that stood.
  private boolean someoneEnded;
  private boolean ghost;

  Freezer(Ptrace ptrace, Tid leader, Deadline deadline, FaultPoints faults) {
    this.ptrace = ptrace;
    this.leader = leader;
    this.deadline = deadline;
    this.faults = faults;
  }

  FrozenGroup.Outcome freeze() throws SyscallException {
    boolean done = false;
    try {
      obstacles.addAll(notAGroup());
      if (obstacles.isEmpty()) {
        stopAll();
      }
      done = obstacles.isEmpty();
      return done ? new FrozenGroup.Outcome.Frozen(new FrozenGroup(ptrace, leader, List.copyOf(stopped.values()),
          faults)) : new FrozenGroup.Outcome.Obstructed(obstacles);
    } finally {
      if (!done) {
        stopped.keySet().forEach(ptrace::release);
        running.forEach(ptrace::release);
      }
    }
  }

  private List<FreezeObstacle> notAGroup() {
    Optional<TaskStatus> status = TaskStatus.of(leader);
    if (status.isEmpty() || (status.get().dead() && TaskStatus.threads(leader).size() < 2)) {
      return List.of(new FreezeObstacle.Gone(leader));
    }
    Tid group = status.get().group();
    return group.equals(leader) ? List.of() : List.of(new FreezeObstacle.NotTheLeader(leader, group));
  }

  /// A stopped thread makes no new ones: once all known are stopped and a look finds no other, all are stopped.
  private void stopAll() throws SyscallException {
    for (int round = 0; round < ROUNDS; round++) {
      int known = stopped.size() + running.size();
      List<Tid> found = TaskStatus.threads(leader).stream().filter(tid -> !stopped.containsKey(tid)
          && !running.contains(tid) && (tid.equals(leader) ? !ghost || !isGhost() : !TaskStatus.isWorker(tid))).toList();
      faults.hit(LOOKED);
      for (Tid tid : found) {
        if (obstacles.isEmpty()) {
          seize(tid);
        }
      }
      if (!obstacles.isEmpty()) {
        return;
      }
      if (someoneEnded) {
        someoneEnded = false;
        findAwoken();
      }
      if (stopped.size() + running.size() == known && running.isEmpty()) {
        if (stopped.isEmpty()) {
          obstacles.add(new FreezeObstacle.Gone(leader));
        }
        return;
      }
      for (Tid tid : running) {
        interrupt(tid);
      }
      awaitRunning();
      if (!obstacles.isEmpty()) {
        return;
      }
    }
    obstacles.add(new FreezeObstacle.TooManyRounds(leader, ROUNDS));
  }

  /// The end of one thread may be that of the group, or an execve(2): it ends others that stood already, and the first
  /// of them may be another thread by now.
  private void findAwoken() {
    for (Tid tid : List.copyOf(stopped.keySet())) {
      if (TaskStatus.of(tid).filter(status -> status.state() == 't').isEmpty()) {
        stopped.remove(tid);
        running.add(tid);
      }
    }
  }

  private void seize(Tid tid) throws SyscallException {
    for (int tries = 1; !seized(tid, tries == SEIZE_TRIES); tries++) {
      Thread.onSpinWait();
    }
  }

  /// EPERM is also said of a first thread that is dead for as long as another one, which executes a program, has not
  /// taken its number yet (fs/exec.c, de_thread()); by the time one looks it is alive again.
  ///
  /// @param lastTry else what may be that is no obstacle yet @return whether it need not be tried again
  private boolean seized(Tid tid, boolean lastTry) throws SyscallException {
    try {
      ptrace.seize(tid, 0);
      running.add(tid);
      faults.hit("freeze.seized");
      return true;
    } catch (SyscallException e) {
      Optional<TaskStatus> status = TaskStatus.of(tid);
      if (status.flatMap(TaskStatus::tracer).filter(ourselves::equals).isPresent()) {
        running.add(tid); // seized under another number: it has executed a program since, and is the first thread now
        return true;
      }
      if (e.errno() == Errno.EPERM && !lastTry && status.isPresent() && !status.get().dead()
          && status.get().tracer().isEmpty()) {
        return false;
      }
      if (e.errno() == Errno.ESRCH || status.isEmpty() || status.get().dead()) {
        someoneEnded |= !tid.equals(leader);
        return true; // died before we got to it; a dead leader has no registers, its threads go on
      }
      if (e.errno() != Errno.EPERM && e.errno() != Errno.EACCES) {
        throw e;
      }
      // TracerPid is the tracing thread; its group is what a user knows.
      Optional<Tid> tracer = status.get().tracer()
          .map(thread -> TaskStatus.of(thread).map(TaskStatus::group).orElse(thread));
      obstacles.add(tracer.isPresent()
          ? new FreezeObstacle.AlreadyTraced(tid, tracer.get(),
              TaskStatus.of(tracer.get()).map(TaskStatus::name).orElse("outside our pid namespace"))
          : status.get().group().equals(Self.pid()) ? new FreezeObstacle.Ourselves(tid)
          : new FreezeObstacle.NotPermitted(tid, status.get().name(), e.errno()));
      return true;
    }
  }

  private void interrupt(Tid tid) throws SyscallException {
    try {
      ptrace.interrupt(tid);
      faults.hit("freeze.interrupted");
    } catch (SyscallException e) {
      if (e.errno() != Errno.ESRCH) {
        throw e;
      }
    }
  }

  private void awaitRunning() throws SyscallException {
    Set<Tid> toLookAt = Set.copyOf(running);
    while (true) {
      for (Tid tid : toLookAt) {
        look(tid);
      }
      if (running.isEmpty()) {
        return;
      }
      if (deadline.passed()) {
        running.forEach(tid -> obstacles.add(wouldNotStop(tid)));
        return;
      }
      Optional<Tid> shown = ptrace.awaitAny(deadline.within(LOOK_EVERY));
      if (shown.isEmpty() && running.contains(leader)) {
        lookForGhost();
      }
      // One that stood shows its end; who ends it by an execve(2) waits until that was seen (fs/exec.c, de_thread()).
      toLookAt = shown.filter(tid -> running.contains(tid) || stopped.containsKey(tid)).map(Set::of)
          .orElseGet(() -> Set.copyOf(running));
    }
  }

  /// A first thread that was on its way out when it was seized stops no more, and shows its end only when the others have
  /// ended (kernel/exit.c, `delay_group_leader()`). Until then it stays our tracee, which nobody can see to.
  private void lookForGhost() {
    if (isGhost()) {
      running.remove(leader);
      ghost = true;
    }
  }

  /// Another thread that executes a program takes its number, and then it is none.
  private boolean isGhost() {
    return TaskStatus.of(leader).filter(TaskStatus::dead).isPresent() && TaskStatus.threads(leader).size() > 1;
  }

  private void look(Tid tid) throws SyscallException {
    Optional<Stop> stop;
    try {
      stop = ptrace.poll(tid);
    } catch (SyscallException e) {
      if (e.errno() != Errno.ECHILD) {
        throw e;
      }
      swallowed(tid);
      return;
    }
    if (stop.isEmpty()) {
      return;
    }
    faults.hit("freeze.stop-seen");
    try {
      take(tid, stop.get());
    } catch (SyscallException e) {
      if (e.errno() != Errno.ESRCH) {
        throw e; // ESRCH: SIGKILL has ended the stop; the next poll tells
      }
    }
  }

  /// By an execve(2): its own, under the number of the first thread now, for which an interrupt may have come too late;
  /// or that of another.
  private void swallowed(Tid tid) throws SyscallException {
    running.remove(tid);
    stopped.remove(tid);
    someoneEnded = true;
    if (!tid.equals(leader) && (stopped.remove(leader) != null || running.contains(leader))) {
      running.add(leader);
      interrupt(leader);
    }
  }

  private void take(Tid tid, Stop stop) throws SyscallException {
    switch (stop) {
      case Stop.Exited _, Stop.Killed _ -> {
        running.remove(tid);
        stopped.remove(tid);
        someoneEnded = true;
      }
      case Stop.GroupStop _ -> {
        stopped.put(tid, new LiveTask(tid, stop, leftSlot(tid, ptrace.registers(tid))));
        running.remove(tid);
      }
      case Stop.EventStop event when event.event() == Stop.PTRACE_EVENT_STOP -> {
        stopped.put(tid, new LiveTask(tid, stop, leftSlot(tid, repaired(tid))));
        running.remove(tid);
      }
      case Stop.SignalDelivery delivery -> passOn(tid, delivery.signal());
      case Stop.SyscallStop _, Stop.EventStop _ -> passOn(tid, 0);
    }
  }

  /// This stop may have swallowed our interrupt: ask again, the kernel keeps one request at most.
  private void passOn(Tid tid, int signal) throws SyscallException {
    repaired(tid);
    ptrace.interrupt(tid);
    faults.hit("freeze.interrupted-again");
    ptrace.cont(tid, signal);
    faults.hit("freeze.passed-on");
  }

  private Registers repaired(Tid tid) throws SyscallException {
    Registers found = ptrace.registers(tid);
    Registers repaired = RestartRules.repaired(found, fd -> isSocket(tid, fd));
    if (!repaired.equals(found)) {
      ptrace.setRegisters(tid, repaired);
      faults.hit("freeze.repaired");
    }
    return repaired;
  }

  /// A thread that a killed tracer left in a slot is brought home first: what is collected from it later, and what is
  /// put back, must be its own.
  private Registers leftSlot(Tid tid, Registers found) throws SyscallException {
    var memory = new RemoteMemory(tid);
    Slot slot = Slot.around(found.rip());
    if (!slots.computeIfAbsent(slot, candidate -> candidate.used(memory))) {
      return found;
    }
    RemoteAddress masked = slot.at((int) memory.readU64(slot.at(Slot.MASKED_AT)));
    if (found.rip().compareTo(masked) < 0) {
      ptrace.setSignalMask(tid, new SigSet(-1));
      faults.hit("rescue.signals-blocked");
      toMasked(tid, masked);
    }
    Registers home = slot.landed(ptrace.registers(tid), memory);
    ptrace.setRegisters(tid, home);
    faults.hit("rescue.home");
    return home;
  }

  /// Its undos are few and short, and its mask comes back with rt_sigprocmask, the last of its calls.
  private void toMasked(Tid tid, RemoteAddress masked) throws SyscallException {
    boolean there = false;
    while (!there) {
      ptrace.syscall(tid, 0);
      if (awaitOne(tid) instanceof Stop.SyscallStop) {
        SyscallInfo info = ptrace.syscallInfo(tid);
        there = info.kind() == SyscallInfo.Kind.EXIT && info.next().equals(masked);
      }
    }
    for (Stop stop = new Stop.SyscallStop(tid); !(stop instanceof Stop.EventStop || stop instanceof Stop.GroupStop);) {
      ptrace.interrupt(tid);
      ptrace.cont(tid, stop instanceof Stop.SignalDelivery delivery ? delivery.signal() : 0);
      stop = awaitOne(tid);
    }
    faults.hit("rescue.masked");
  }

  private Stop awaitOne(Tid tid) throws SyscallException {
    Stop stop = ptrace.await(tid, deadline).orElseThrow(() -> new SyscallException(Nr.PTRACE, Errno.ETIMEDOUT,
        "bring task " + tid + " home from a killed errand"));
    if (stop.isFinal()) {
      throw new SyscallException(Nr.PTRACE, Errno.ESRCH, "bring task " + tid + " home from a killed errand");
    }
    return stop;
  }

  private static boolean isSocket(Tid tid, int fd) {
    try {
      return Files.readSymbolicLink(Path.of("/proc/" + tid + "/fd/" + fd)).toString().startsWith("socket:");
    } catch (IOException e) {
      return false;
    }
  }

  private static FreezeObstacle wouldNotStop(Tid tid) {
    Optional<TaskStatus> status = TaskStatus.of(tid);
    return status.isEmpty() ? new FreezeObstacle.Gone(tid) : new FreezeObstacle.WouldNotStop(tid, status.get().name(),
        status.get().state(), TaskStatus.read(tid, "wchan").filter(symbol -> !symbol.equals("0")).orElse(""));
  }
}
