package stasis.engine;

import java.util.List;
import java.util.function.ToLongFunction;
import stasis.linux.abi.Nr;
import stasis.linux.abi.SyscallException;
import stasis.linux.bpf.HiddenGroup;
import stasis.linux.bpf.HiddenState;
import stasis.tracee.stub.Stub;

/// Flags of the kernel whose places its type information does not tell: constants of its source, different from version
/// to version, found by what changes when a stub sets them. 0 where one is unknown.
///
/// @param tscOff TIF_NOTSC in thread_info: the thread may not read the time stamp counter (PR_SET_TSC)
/// @param thpOff in mm flags: no huge pages (PR_SET_THP_DISABLE) @param thpOffUnlessAdvised the same, except where
///     madvise(2) asks for them; newer kernels only
record LearntBits(long tscOff, long thpOff, long thpOffUnlessAdvised) {
  static final LearntBits NONE = new LearntBits(0, 0, 0);
  private static final int ROUNDS = 5;
  private static final long PR_SET_TSC = 26;
  private static final long PR_TSC_ENABLE = 1;
  private static final long PR_TSC_SIGSEGV = 2;
  private static final long PR_SET_THP_DISABLE = 41;
  private static final long PR_THP_DISABLE_EXCEPT_ADVISED = 2;

  /// @param stub goes back to how it was
  static LearntBits of(Stub stub, HiddenState state) throws SyscallException {
    ToLongFunction<HiddenGroup> thread = group -> group.tasks().getFirst().attributes().threadInfoFlags();
    ToLongFunction<HiddenGroup> mm = group -> group.shared().map(shared -> shared.mm().flags()).orElse(0L);
    return new LearntBits(
        bit(stub, state, thread, List.of(PR_SET_TSC, PR_TSC_SIGSEGV), List.of(PR_SET_TSC, PR_TSC_ENABLE)),
        bit(stub, state, mm, List.of(PR_SET_THP_DISABLE, 1L, 0L), List.of(PR_SET_THP_DISABLE, 0L, 0L)),
        bit(stub, state, mm, List.of(PR_SET_THP_DISABLE, 1L, PR_THP_DISABLE_EXCEPT_ADVISED),
            List.of(PR_SET_THP_DISABLE, 0L, 0L)));
  }

  private static long bit(Stub stub, HiddenState state, ToLongFunction<HiddenGroup> flags, List<Long> on,
      List<Long> off) throws SyscallException {
    long changed = -1;
    // Other flags come and go by themselves, but not in step.
    for (int round = 0; round < ROUNDS && Long.bitCount(changed) != 1; round++) {
      if (prctl(stub, on) != 0) {
        return 0;
      }
      long with = state.read(stub.tid()).map(flags::applyAsLong).orElse(0L);
      prctl(stub, off);
      changed &= with & ~state.read(stub.tid()).map(flags::applyAsLong).orElse(0L);
    }
    return Long.bitCount(changed) == 1 ? changed : 0;
  }

  private static long prctl(Stub stub, List<Long> args) throws SyscallException {
    return stub.call(Nr.PRCTL, args.stream().mapToLong(Long::longValue).toArray());
  }
}
