package stasis.linux.bpf;

import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;

/// What a signal does, in the kernel's own terms: `struct sigaction` of include/linux/signal_types.h, 32 bytes, as
/// rt_sigaction(2) takes and gives it (glibc's differs).
///
/// @param handler an address, or 0 for SIG_DFL, 1 for SIG_IGN
/// @param flags SA_*, with SA_RESTORER
/// @param restorer what the handler returns to; meaningless without SA_RESTORER
public record SigAction(RemoteAddress handler, long flags, RemoteAddress restorer, SigSet mask) {
  /// Signals are numbered 1 to this.
  public static final int COUNT = 64;

  static final int BYTES = 32;
}
