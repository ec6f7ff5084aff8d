package stasis.engine;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.procfs.Proc;
import stasis.procfs.ProcException;
import stasis.procfs.Stat;
import stasis.tracee.Deadline;
import stasis.tracee.FrozenGroup;
import stasis.tracee.LiveTask;
import stasis.tracee.Ptrace;
import stasis.tracee.Stop;

/// The engine's hold on a frozen group: lets go once, or ends it.
final class Hold implements AutoCloseable {
  private static final int SIGKILL = 9;
  private static final Duration DEATH_BOUND = Duration.ofSeconds(30);
  private static final Duration REAP_BOUND = Duration.ofSeconds(5);
  private static final long POLL_NS = 500_000;

  private final Ptrace ptrace;
  private final FrozenGroup group;
  private boolean held = true;

  Hold(Ptrace ptrace, FrozenGroup group) {
    this.ptrace = ptrace;
    this.group = group;
  }

  FrozenGroup group() {
    return group;
  }

  @Override
  public void close() {
    if (held) {
      held = false;
      group.close();
    }
  }

  /// SIGKILL to the group, and its end awaited: threads first, then the leader. When this returns its pids are free,
  /// unless the leader's parent does not wait for it, which becomes a warning.
  boolean kill(Proc proc, List<String> warnings) throws SyscallException {
    Tid leader = group.leader();
    Optional<Tid> parent = parent(proc, leader);
    Syscalls.require("end task " + leader, Nr.KILL, leader.value(), SIGKILL);
    held = false;
    for (LiveTask task : group.tasks()) {
      if (!task.tid().equals(leader)) {
        awaitEnd(task.tid());
      }
    }
    awaitEnd(leader);
    Deadline reaped = Deadline.after(REAP_BOUND);
    while (exists(leader)) {
      if (reaped.passed()) {
        warnings.add("task " + leader + " has ended, but its parent" + parent.map(p -> " " + p + " " + name(proc, p))
            .orElse("") + " has not waited for it: its pid is free only then");
        break;
      }
      java.util.concurrent.locks.LockSupport.parkNanos(POLL_NS);
    }
    return true;
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

  private static Optional<Tid> parent(Proc proc, Tid tid) {
    try {
      Stat stat = proc.task(tid).stat();
      return stat.ppid() > 0 ? Optional.of(new Tid(stat.ppid())) : Optional.empty();
    } catch (ProcException e) {
      return Optional.empty();
    }
  }

  private static String name(Proc proc, Tid tid) {
    try {
      return "(" + proc.task(tid).stat().comm() + ")";
    } catch (ProcException e) {
      return "";
    }
  }
}
