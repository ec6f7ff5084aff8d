package stasis.linux.bpf;

import stasis.linux.abi.RemoteAddress;

/// What restart_syscall(2) would go on with in a task (include/linux/restart_block.h). Means something only while the
/// task's result register holds -ERESTART_RESTARTBLOCK (-516), or in restart_syscall(2) itself: otherwise it is a
/// leftover of some earlier call.
///
/// Times are absolute and on the host's clocks: a time namespace's offsets are not in them.
public sealed interface RestartBlock {
  /// Nothing to go on with: `do_no_restart_syscall`, gives EINTR.
  record None() implements RestartBlock {}

  /// nanosleep(2), or clock_nanosleep(2) without TIMER_ABSTIME.
  ///
  /// @param clockId CLOCK_MONOTONIC for nanosleep(2); the clock `expiresNs` is on, CPU clocks included
  /// @param target where the time left goes when it is interrupted again
  record Nanosleep(int clockId, RemainingTime target, long expiresNs) implements RestartBlock {}

  /// futex(2) FUTEX_WAIT or FUTEX_WAIT_BITSET with a timeout.
  ///
  /// @param kernelFlags the kernel's own FLAGS_* (kernel/futex/futex.h), not the user's op; they differ by version
  /// @param expiresNs on CLOCK_MONOTONIC, or CLOCK_REALTIME if the call said FUTEX_CLOCK_REALTIME
  record Futex(RemoteAddress word, int value, int kernelFlags, int bitset, long expiresNs) implements RestartBlock {}

  /// poll(2).
  ///
  /// @param expiresNs on CLOCK_MONOTONIC; 0 and meaningless without a timeout
  record Poll(RemoteAddress fds, int count, boolean hasTimeout, long expiresNs) implements RestartBlock {}

  /// A call this project does not know to restart.
  ///
  /// @param function the kernel's name for what would go on with it
  record Unknown(String function) implements RestartBlock {}

  /// Where an interrupted sleep reports the time left (enum timespec_type).
  sealed interface RemainingTime {
    /// The caller gave NULL, or is being restarted by us.
    record Nowhere() implements RemainingTime {}

    /// A `struct __kernel_timespec`, 16 bytes.
    record Native(RemoteAddress at) implements RemainingTime {}

    /// A 32-bit task's `struct old_timespec32`, 8 bytes.
    record Compat(RemoteAddress at) implements RemainingTime {}
  }
}
