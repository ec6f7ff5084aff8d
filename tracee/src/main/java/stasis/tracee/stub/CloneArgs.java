package stasis.tracee.stub;

import java.util.List;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;

/// A task to be made by clone3(2), as far as a restore chooses: `struct clone_args` (include/uapi/linux/sched.h). Where
/// no pids are chosen clone(2) does, which seccomp filters of containers can look into, and let pass.
///
/// @param flags CLONE_* or'ed @param exitSignal 0 with CLONE_PARENT or CLONE_THREAD, which have their own rule
/// @param pids wanted ids, innermost pid namespace first; empty: whatever is free
public record CloneArgs(long flags, int exitSignal, List<Integer> pids) {
  public static final long CLONE_VM = 0x100;
  public static final long CLONE_PARENT = 0x8000;
  public static final long CLONE_THREAD = 0x10000;
  static final int BYTES = 88;
  /// What clone(2) knows: 32 bits, the lowest byte the exit signal.
  private static final long CLONE_FLAGS = 0xffffff00L;
  private static final int SET_TID = 64;
  private static final int SET_TID_SIZE = 72;
  private static final int EXIT_SIGNAL = 32;

  public CloneArgs {
    pids = List.copyOf(pids);
  }

  /// Adds the birth to a batch.
  ///
  /// @return the entry's index
  public int addTo(Batch batch) {
    if (pids.isEmpty() && (flags & ~CLONE_FLAGS) == 0) {
      return batch.birth(Nr.CLONE, Operand.imm(flags | exitSignal), Operand.imm(0), Operand.imm(0), Operand.imm(0),
          Operand.imm(0));
    }
    Slot args = batch.data(Bytes.zeros(BYTES).withU64(0, flags).withU64(EXIT_SIGNAL, exitSignal)
        .withU64(SET_TID_SIZE, pids.size()));
    if (!pids.isEmpty()) {
      Slot ids = batch.data(Bytes.ofU32(pids.stream().mapToInt(Integer::intValue).toArray()));
      batch.point(args, SET_TID, ids, 0);
    }
    return batch.birth(Nr.CLONE3, args.address(), Operand.imm(BYTES));
  }
}
