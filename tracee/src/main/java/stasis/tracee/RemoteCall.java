package stasis.tracee;

import java.util.List;
import stasis.linux.abi.Nr;

/// A syscall to be made by a live task for us.
///
/// @param undo what takes its effect back at the latest when the errand ends, also when that is our death
public record RemoteCall(Nr nr, List<RemoteArg> arguments, Undo undo) {
  public enum Undo {
    NOTHING,
    /// The result is a descriptor: close it.
    CLOSE
  }

  public RemoteCall {
    arguments = List.copyOf(arguments);
    if (arguments.size() > 6) {
      throw new IllegalArgumentException(nr.kernelName() + " with " + arguments.size() + " arguments");
    }
    switch (nr) {
      case NANOSLEEP, CLOCK_NANOSLEEP, FUTEX, RESTART_SYSCALL, RT_SIGRETURN -> throw new IllegalArgumentException(
          nr.kernelName() + " would overwrite the restart block of the task's own interrupted call");
      case EXECVE, EXECVEAT, EXIT, EXIT_GROUP, CLONE, CLONE3, RT_SIGPROCMASK, RT_SIGSUSPEND, RSEQ ->
          throw new IllegalArgumentException(nr.kernelName() + " would take the task away from its way back");
      default -> { }
    }
  }

  public static RemoteCall of(Nr nr, RemoteArg... arguments) {
    return new RemoteCall(nr, List.of(arguments), Undo.NOTHING);
  }

  /// A call whose result is a new descriptor, which the task keeps until the errand ends and no longer.
  public static RemoteCall opening(Nr nr, RemoteArg... arguments) {
    return new RemoteCall(nr, List.of(arguments), Undo.CLOSE);
  }
}
