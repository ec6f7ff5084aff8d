package stasis.tracee;

import stasis.linux.abi.Tid;

/// One stopped thread of a frozen group.
///
/// @param stop how it was found: an EventStop, or a GroupStop when SIGSTOP or its like had stopped the group before
/// @param registers at that stop, a needless EINTR already turned into a restart (see [RestartRules#repaired]). As the
///     stop lies in the kernel's `get_signal()`, setting exactly these again makes the kernel itself do what is left of
///     the syscall: restart it, or give EINTR when a handler comes first
public record LiveTask(Tid tid, Stop stop, Registers registers) {
  public boolean groupStopped() {
    return stop instanceof Stop.GroupStop;
  }
}
