package stasis.tracee;

import stasis.linux.abi.RemoteAddress;

/// A task's syscall user dispatch: `struct ptrace_sud_config` (include/uapi/linux/ptrace.h).
///
/// @param mode 0 is off (PR_SYS_DISPATCH_OFF) @param selector the byte the task switches it with
/// @param exempt start of the code range that is not dispatched
public record SyscallUserDispatch(int mode, RemoteAddress selector, RemoteAddress exempt, long exemptBytes) {
  public boolean on() {
    return mode != 0;
  }
}
