package stasis.tracee;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;

/// Children that become ours with their birth. One whose number its parent was killed too early to tell would stand at its
/// first instruction until this thread ends.
final class Newborns {
  private static final Duration BOUND = Duration.ofSeconds(5);

  private Newborns() {}

  /// See [Ptrace#newborn]. @param waiter knows all others
  static Tid of(Ptrace ptrace, StopWaiter waiter, Tid parent) throws SyscallException {
    try {
      return new Tid((int) ptrace.eventMessage(parent));
    } catch (SyscallException _) {
      return again(ptrace, waiter, parent);
    }
  }

  private static Tid again(Ptrace ptrace, StopWaiter waiter, Tid parent) throws SyscallException {
    try {
      return new Tid((int) ptrace.eventMessage(parent));
    } catch (SyscallException e) {
      endOf(waiter, parent);
      throw e;
    }
  }

  /// Ends those of a parent that has been killed.
  private static void endOf(StopWaiter waiter, Tid parent) throws SyscallException {
    Tid tracer = new Tid((int) Syscalls.call(Nr.GETTID));
    for (Tid task : tasks(parent)) {
      if (!waiter.knows(task) && isOurs(tracer, parent, task)) {
        Syscalls.call(Nr.KILL, task.value(), Signals.SIGKILL);
        Deadline deadline = Deadline.after(BOUND);
        Optional<Stop> stop = waiter.await(task, deadline);
        while (stop.isPresent() && !stop.get().isFinal()) {
          stop = waiter.await(task, deadline);
        }
      }
    }
  }

  /// Its threads, and all processes.
  private static List<Tid> tasks(Tid parent) {
    var tasks = new ArrayList<>(TaskStatus.threads(parent));
    tasks.remove(parent);
    String[] names = Path.of("/proc").toFile().list((_, name) -> Character.isDigit(name.charAt(0)));
    for (String name : names == null ? new String[0] : names) {
      if (!name.equals(parent.toString())) {
        tasks.add(new Tid(Integer.parseInt(name)));
      }
    }
    return tasks;
  }

  /// Children of a parent that has ended are somebody else's by now; those of another tracee are that one's to tell of.
  private static boolean isOurs(Tid tracer, Tid parent, Tid task) {
    return TaskStatus.of(task).filter(status -> status.tracer().equals(Optional.of(tracer))
        && (status.group().equals(parent) || status.parent().equals(Optional.of(parent))
        || status.parent().flatMap(TaskStatus::of).flatMap(TaskStatus::tracer).isEmpty())).isPresent();
  }
}
