package stasis.tracee;

import java.util.List;
import java.util.Optional;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;

/// What restart_syscall(2) would go on with: `struct restart_block` (include/linux/restart_block.h), 56 bytes.
public sealed interface RestartBlock {
  int BYTES = 56;

  /// nanosleep and clock_nanosleep with a relative time.
  ///
  /// @param expiresNs on `clock` @param remainder where the rest goes on the next interruption; 0 for nowhere
  record Sleep(int clock, RemoteAddress remainder, long expiresNs) implements RestartBlock {}

  /// @param expiresNs on CLOCK_MONOTONIC; -1 without timeout
  record Poll(RemoteAddress fds, int count, long expiresNs) implements RestartBlock {}

  /// @param expiresNs on the clock the call named, CLOCK_MONOTONIC unless FUTEX_CLOCK_REALTIME
  record Futex(RemoteAddress word, int expected, int bitset, long expiresNs) implements RestartBlock {}

  /// @param function kernel symbol that the block's `fn` points to @param block the 56 bytes
  /// @return empty for `do_no_restart_syscall` and for functions this version does not know
  static Optional<RestartBlock> parse(String function, Bytes block) {
    return switch (function) {
      case "hrtimer_nanosleep_restart", "posix_cpu_nsleep_restart", "alarm_timer_nsleep_restart" ->
          Optional.of(new Sleep(block.u32(16), new RemoteAddress(block.u32(20) == 0 ? 0 : block.u64(24)),
              block.u64(32)));
      case "do_restart_poll" -> Optional.of(new Poll(new RemoteAddress(block.u64(16)), block.u32(24),
          block.u32(28) == 0 ? -1 : block.u64(32) * 1_000_000_000L + block.u64(40)));
      case "futex_wait_restart" -> Optional.of(new Futex(new RemoteAddress(block.u64(16)), block.u32(24),
          block.u32(32), block.u64(40)));
      default -> Optional.empty();
    };
  }

  /// @param stopped registers with -516 in rax @param remainingNs what was left of the wait, at least 0
  default Continuation.Rearm rearm(Registers stopped, long remainingNs) {
    var timespec = new RemoteArg.In(Bytes.ofU64(remainingNs / 1_000_000_000L, remainingNs % 1_000_000_000L));
    return switch (this) {
      case Sleep sleep -> new Continuation.Rearm(230, List.of(new RemoteArg.Imm(sleep.clock), new RemoteArg.Imm(0),
          timespec, new RemoteArg.Imm(sleep.remainder.bits())), stopped);
      case Poll poll -> new Continuation.Rearm(7, List.of(new RemoteArg.Imm(poll.fds.bits()),
          new RemoteArg.Imm(poll.count),
          new RemoteArg.Imm(poll.expiresNs < 0 ? -1 : Math.ceilDiv(remainingNs, 1_000_000L))), stopped);
      case Futex futex -> futex(stopped, futex, timespec);
    };
  }

  /// The operation still stands in rsi. FUTEX_WAIT (0) takes a relative time, FUTEX_WAIT_BITSET (9) an absolute one,
  /// which the task's own timespec still holds.
  private static Continuation.Rearm futex(Registers stopped, Futex futex, RemoteArg.In remaining) {
    boolean absolute = (stopped.argument(1) & 0x7f) == 9;
    return new Continuation.Rearm(202, List.of(new RemoteArg.Imm(futex.word.bits()),
        new RemoteArg.Imm(stopped.argument(1)), new RemoteArg.Imm(Integer.toUnsignedLong(futex.expected)),
        absolute ? new RemoteArg.Imm(stopped.argument(3)) : remaining, new RemoteArg.Imm(0),
        new RemoteArg.Imm(Integer.toUnsignedLong(futex.bitset))), stopped);
  }
}
