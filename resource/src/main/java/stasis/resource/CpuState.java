package stasis.resource;

import java.util.Optional;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;

/// What a thread goes on with: its registers and what the kernel would have done next.
///
/// @param general NT_PRSTATUS register set, the task's own, untouched by restart rules
/// @param extended NT_X86_XSTATE register set, as large as the CPU makes it
/// @param mask blocked signals @param rseqCs the 8 bytes of `rseq.rseq_cs`, cleared by a new registration; empty
///     without rseq
/// @param rseqArea where they lie @param sleep the timed wait the thread was stopped in, if any
public record CpuState(@Tag(1) Bytes general, @Tag(2) Bytes extended, @Tag(3) SigSet mask,
    @Tag(4) Optional<RemoteAddress> rseqArea, @Tag(5) Optional<Bytes> rseqCs, @Tag(6) Optional<Sleep> sleep) {

  /// A call that the kernel restarts with the time that was left (ERESTART_RESTARTBLOCK, kernel/time/hrtimer.c,
  /// kernel/futex/waitwake.c, fs/select.c).
  ///
  /// @param nr number of the call on the statefile's architecture @param remainingNs until it would have timed out
  /// @param exact false when the time was estimated from the scheduler's clock
  public record Sleep(@Tag(1) int nr, @Tag(2) long remainingNs, @Tag(3) boolean exact) {}
}
