package stasis.tracee;

import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;

/// A restartable sequence: `struct rseq_cs` (include/uapi/linux/rseq.h). A task that was preempted inside must go on at
/// the abort handler; the kernel sees to it on the way to user mode (kernel/rseq.c, `rseq_ip_fixup()`), but for the
/// instruction pointer it finds then, not for one that is put back later.
///
/// @param lengthBytes `post_commit_offset`
record RseqSection(RemoteAddress start, long lengthBytes, RemoteAddress abort) {
  /// Offset of `rseq_cs` in `struct rseq`.
  private static final int RSEQ_CS = 8;

  /// These registers, or with rip at the abort handler where the task was inside a section.
  static Registers aborted(Registers stopped, RseqConfiguration rseq, RemoteMemory memory) throws SyscallException {
    if (!rseq.registered()) {
      return stopped;
    }
    long section = memory.readU64(rseq.area().plus(RSEQ_CS));
    return section == 0 ? stopped : parse(memory.read(new RemoteAddress(section), 32)).leave(stopped);
  }

  static RseqSection parse(Bytes section) {
    return new RseqSection(new RemoteAddress(section.u64(8)), section.u64(16), new RemoteAddress(section.u64(24)));
  }

  Registers leave(Registers stopped) {
    boolean inside = Long.compareUnsigned(stopped.rip().bits() - start.bits(), lengthBytes) < 0;
    return inside ? stopped.withRip(abort) : stopped;
  }
}
