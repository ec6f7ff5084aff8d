package stasis.tracee;

import java.util.List;

/// How a restored thread takes up the syscall its checkpoint interrupted.
public sealed interface Continuation {
  /// To be set in a PTRACE_EVENT_STOP of the thread: only there does the kernel act on a restart code, and it then also
  /// gives EINTR where a pending signal has a handler.
  Registers registers();

  /// Set the registers and let go.
  ///
  /// @param exact false when the call waits longer than it should have, or ends with EINTR
  record Resume(Registers registers, boolean exact) implements Continuation {}

  /// First make this call in the thread and interrupt it: that leaves the restart block in the kernel which
  /// `registers`, with their -516, then refer to. Should the call return at once, its result goes into rax.
  ///
  /// @param number of the syscall on x86-64 (poll(2) exists there only)
  record Rearm(long number, List<RemoteArg> arguments, Registers registers) implements Continuation {
    public Rearm {
      arguments = List.copyOf(arguments);
    }
  }
}
