package stasis.tracee;

import stasis.linux.abi.Tid;

/// A decoded wait4(2) status of one tracee. The first two are final: the task is gone.
///
/// Source: ptrace(2), "Stopped states"; wait(2); kernel/signal.c, `ptrace_stop()` and `do_jobctl_trap()`.
public sealed interface Stop {
  /// Event number of a stop made by PTRACE_INTERRUPT, of a newborn tracee, and of a group stop.
  int PTRACE_EVENT_STOP = 128;

  Tid task();

  /// The task called exit(2) or exit_group(2), or its group did.
  record Exited(Tid task, int code) implements Stop {}

  /// The task was killed by a signal.
  record Killed(Tid task, int signal) implements Stop {}

  /// A signal was taken off the queue and waits for the tracer to pass it on or drop it.
  record SignalDelivery(Tid task, int signal) implements Stop {}

  /// The whole group is stopped by SIGSTOP, SIGTSTP, SIGTTIN or SIGTTOU (a PTRACE_EVENT_STOP that carries the signal).
  record GroupStop(Tid task, int signal) implements Stop {}

  /// Entry to or exit from a syscall; which of the two only the sequence, or the registers, can tell.
  record SyscallStop(Tid task) implements Stop {}

  /// PTRACE_EVENT_*: fork, vfork, clone, exec, exit, or [#PTRACE_EVENT_STOP].
  record EventStop(Tid task, int event) implements Stop {}

  /// @param status what wait4(2) stored; with PTRACE_O_TRACESYSGOOD set on the tracee
  static Stop decode(Tid task, int status) {
    int low = status & 0x7f;
    if (low == 0) {
      return new Exited(task, status >> 8 & 0xff);
    }
    if (low != 0x7f) {
      return new Killed(task, low);
    }
    int signal = status >> 8 & 0xff;
    int event = status >>> 16;
    if (event == PTRACE_EVENT_STOP && signal != Signals.SIGTRAP) {
      return new GroupStop(task, signal);
    }
    if (event != 0) {
      return new EventStop(task, event);
    }
    return signal == (Signals.SIGTRAP | 0x80) ? new SyscallStop(task) : new SignalDelivery(task, signal);
  }

  /// Whether the task no longer exists.
  default boolean isFinal() {
    return switch (this) {
      case Exited _, Killed _ -> true;
      case SignalDelivery _, GroupStop _, SyscallStop _, EventStop _ -> false;
    };
  }
}
