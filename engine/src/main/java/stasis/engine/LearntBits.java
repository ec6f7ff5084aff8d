package stasis.engine;

import java.util.List;
import java.util.OptionalInt;
import java.util.function.ToLongFunction;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.bpf.HiddenGroup;
import stasis.linux.bpf.HiddenState;
import stasis.linux.bpf.HiddenTask;
import stasis.tracee.stub.Stub;

/// Flags of the kernel whose places its type information does not tell: constants of its source, different from version
/// to version, found by what changes when a stub sets them. 0 where one is unknown.
///
/// @param tscOff TIF_NOTSC in thread_info: the thread may not read the time stamp counter (PR_SET_TSC)
/// @param thpOff in mm flags: no huge pages (PR_SET_THP_DISABLE) @param thpOffUnlessAdvised the same, except where
///     madvise(2) asks for them; newer kernels only
/// @param landlock where the Landlock domain stands among the words of the security modules
record LearntBits(long tscOff, long thpOff, long thpOffUnlessAdvised, Landlock landlock) {
  static final LearntBits NONE = new LearntBits(0, 0, 0, new Landlock(false, OptionalInt.empty()));
  private static final int ROUNDS = 5;
  private static final long PR_SET_TSC = 26;
  private static final long PR_TSC_ENABLE = 1;
  private static final long PR_TSC_SIGSEGV = 2;
  private static final long PR_SET_NO_NEW_PRIVS = 38;
  private static final long LANDLOCK_ACCESS_FS_EXECUTE = 1;
  private static final long PR_SET_THP_DISABLE = 41;
  private static final long PR_THP_DISABLE_EXCEPT_ADVISED = 2;

  /// @param known whether anything can be told @param word empty where the kernel has no Landlock
  record Landlock(boolean known, OptionalInt word) {}

  /// @param stub is under Landlock afterwards
  static LearntBits of(Stub stub, HiddenState state) throws SyscallException {
    ToLongFunction<HiddenGroup> thread = group -> group.tasks().getFirst().attributes().threadInfoFlags();
    ToLongFunction<HiddenGroup> mm = group -> group.shared().map(shared -> shared.mm().flags()).orElse(0L);
    return new LearntBits(
        bit(stub, state, thread, List.of(PR_SET_TSC, PR_TSC_SIGSEGV), List.of(PR_SET_TSC, PR_TSC_ENABLE)),
        bit(stub, state, mm, List.of(PR_SET_THP_DISABLE, 1L, 0L), List.of(PR_SET_THP_DISABLE, 0L, 0L)),
        bit(stub, state, mm, List.of(PR_SET_THP_DISABLE, 1L, PR_THP_DISABLE_EXCEPT_ADVISED),
            List.of(PR_SET_THP_DISABLE, 0L, 0L)),
        landlock(stub, state));
  }

  /// The first word that was null and points to something once the stub has a domain.
  private static Landlock landlock(Stub stub, HiddenState state) throws SyscallException {
    RemoteAddress at = stub.region().area();
    stub.memory().write(at, Bytes.ofU64(LANDLOCK_ACCESS_FS_EXECUTE));
    long rules = stub.call(Nr.LANDLOCK_CREATE_RULESET, at.bits(), Long.BYTES, 0);
    if (rules == -Errno.ENOSYS.number() || rules == -Errno.EOPNOTSUPP.number()) {
      return new Landlock(true, OptionalInt.empty());
    }
    Bytes before = security(stub, state);
    prctl(stub, List.of(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L));
    if (Errno.isError(rules) || stub.call(Nr.LANDLOCK_RESTRICT_SELF, rules, 0) != 0) {
      return NONE.landlock();
    }
    Bytes after = security(stub, state);
    for (int word = 0; word < HiddenTask.SECURITY_WORDS; word++) {
      if (before.u64(word * Long.BYTES) == 0 && after.u64(word * Long.BYTES) < 0) {
        return new Landlock(true, OptionalInt.of(word));
      }
    }
    return NONE.landlock();
  }

  private static Bytes security(Stub stub, HiddenState state) throws SyscallException {
    return state.read(stub.tid()).map(group -> group.tasks().getFirst().contexts().security())
        .orElse(Bytes.zeros(HiddenTask.SECURITY_WORDS * Long.BYTES));
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
