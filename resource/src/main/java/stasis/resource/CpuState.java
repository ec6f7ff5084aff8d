package stasis.resource;

import java.util.Optional;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.linux.abi.SparseBytes;

/// What a thread goes on with: its registers and what the kernel would have done next.
///
/// @param general NT_PRSTATUS register set, the task's own, untouched by restart rules
/// @param whole NT_X86_XSTATE register set, as large as the CPU makes it: of images of version 1
/// @param packed the same as [SparseBytes]; one of the two is there
/// @param mask blocked signals @param rseqCs the 8 bytes of `rseq.rseq_cs`, cleared by a new registration; empty
///     without rseq
/// @param rseqArea where they lie @param sleep the timed wait the thread was stopped in, if any
public record CpuState(@Tag(1) Bytes general, @Tag(2) Optional<Bytes> whole, @Tag(3) SigSet mask,
    @Tag(4) Optional<RemoteAddress> rseqArea, @Tag(5) Optional<Bytes> rseqCs, @Tag(6) Optional<Sleep> sleep,
    @Tag(7) Optional<Bytes> packed) {
  /// @throws IllegalArgumentException where the extended registers are not there, there twice, or damaged
  public CpuState {
    if (whole.isPresent() == packed.isPresent()) {
      throw new IllegalArgumentException("extended registers must be there once");
    }
    if (whole.isPresent() && whole.get().length() > SparseBytes.MAX_BYTES) {
      throw new IllegalArgumentException("an xsave area of " + whole.get().length() + " bytes");
    }
    packed.ifPresent(SparseBytes::new);
  }

  /// @param extended NT_X86_XSTATE register set, as large as the CPU makes it
  public CpuState(Bytes general, SparseBytes extended, SigSet mask, Optional<RemoteAddress> rseqArea,
      Optional<Bytes> rseqCs, Optional<Sleep> sleep) {
    this(general, Optional.empty(), mask, rseqArea, rseqCs, sleep, Optional.of(extended.packed()));
  }

  /// NT_X86_XSTATE register set, as large as the CPU made it.
  public SparseBytes extended() {
    return packed.map(SparseBytes::new).or(() -> whole.map(SparseBytes::of)).orElseThrow();
  }

  /// A call that the kernel restarts with the time that was left (ERESTART_RESTARTBLOCK, kernel/time/hrtimer.c,
  /// kernel/futex/waitwake.c, fs/select.c).
  ///
  /// @param nr number of the call on the statefile's architecture @param remainingNs until it would have timed out
  /// @param exact false when the time was estimated from the scheduler's clock
  public record Sleep(@Tag(1) int nr, @Tag(2) long remainingNs, @Tag(3) boolean exact) {}
}
