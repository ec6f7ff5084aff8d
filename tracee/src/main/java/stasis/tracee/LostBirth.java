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

/// A child that became ours with its birth, and whose number its parent was killed too early to tell: it would stand at
/// its first instruction until this thread ends.
final class LostBirth {
  private static final Duration BOUND = Duration.ofSeconds(5);

  private LostBirth() {}

  /// Ends those of a parent that has been killed.
  static void end(Ptrace ptrace, Tid parent) throws SyscallException {
    Tid tracer = new Tid((int) Syscalls.call(Nr.GETTID));
    for (Tid task : tasks(parent)) {
      if (isOurs(tracer, parent, task) && ptrace.hasNews(task)) {
        Syscalls.call(Nr.KILL, task.value(), Signals.SIGKILL);
        Deadline deadline = Deadline.after(BOUND);
        Optional<Stop> stop = ptrace.await(task, deadline);
        while (stop.isPresent() && !stop.get().isFinal()) {
          stop = ptrace.await(task, deadline);
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
