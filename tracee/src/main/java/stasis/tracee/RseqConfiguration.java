package stasis.tracee;

import stasis.linux.abi.RemoteAddress;

/// A task's registered rseq area: `struct ptrace_rseq_configuration` (include/uapi/linux/ptrace.h).
///
/// @param area the task's `struct rseq`; address 0 when none is registered
/// @param signature the word that stands before every abort handler
public record RseqConfiguration(RemoteAddress area, int sizeBytes, int signature) {
  public boolean registered() {
    return area.bits() != 0;
  }
}
