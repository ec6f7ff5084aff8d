package stasis.resource;

import java.util.List;
import stasis.image.ObjectId;
import stasis.image.Tag;
import stasis.linux.abi.SigSet;

/// A thread group that has ended and that its parent has not waited for yet.
///
/// @param pids its pid in each pid namespace it is in, outermost (the engine's) first @param parent the parent's leader
/// @param processGroup pgid and @param session sid, in the engine's pid namespace
/// @param exitSignal sent to the parent at its end @param status as wait(2) will give it
/// @param uid its real uid, which waitid(2) tells @param blocked @param ignored signals, as /proc still shows them
public record ZombieState(@Tag(1) List<Integer> pids, @Tag(2) ObjectId parent, @Tag(3) int processGroup,
    @Tag(4) int session, @Tag(5) int exitSignal, @Tag(6) int status, @Tag(7) int uid, @Tag(8) String comm,
    @Tag(9) SigSet blocked, @Tag(10) SigSet ignored) {
  public ZombieState {
    pids = List.copyOf(pids);
    if (pids.isEmpty()) {
      throw new IllegalArgumentException("a zombie has a pid");
    }
  }

  /// The pid in the innermost namespace.
  public int ownPid() {
    return pids.getLast();
  }

  /// The signal that ended it, 0 when it exited.
  public int signal() {
    return status & 0x7f;
  }

  /// What it exited with, where no signal ended it.
  public int exitCode() {
    return status >> 8 & 0xff;
  }

  /// Whether a core was written.
  public boolean dumpedCore() {
    return signal() != 0 && (status & 0x80) != 0;
  }
}
