package stasis.engine;

import stasis.linux.abi.Errno;
import stasis.tracee.Registers;

/// What a restored thread does about the syscall its checkpoint interrupted.
final class RestartCalls {
  /// poll(2) exists on x86-64 only; others have ppoll alone.
  static final int POLL_X86_64 = 7;

  private RestartCalls() {}

  /// @param again whether the timed wait was begun again, so that the kernel has a restart block for it
  static Registers forRestore(Registers stopped, boolean again) {
    boolean needsBlock = stopped.origRax() >= 0 && stopped.rax() == -Errno.ERESTART_RESTARTBLOCK.number();
    // Without a block restart_syscall(2) would give EINTR: the whole call once more is nearer to the truth.
    return needsBlock && !again ? stopped.withRax(-Errno.ERESTARTNOINTR.number()) : stopped;
  }
}
