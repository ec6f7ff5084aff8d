package stasis.engine;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.tracee.Deadline;
import stasis.tracee.Ptrace;
import stasis.tracee.stub.Birth;
import stasis.tracee.stub.PidTakenException;
import stasis.tracee.stub.Stub;
import stasis.tracee.stub.TimeOffsets;

/// The root is born in the engine's own pid namespace, as a child of the engine (CLONE_PARENT): needs
/// CAP_CHECKPOINT_RESTORE or CAP_SYS_ADMIN to choose its pid.
final class PlainBirths implements Births {
  /// A holder of the pid that is dying is waited for: an init may reap late.
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final Ptrace ptrace;
  private final Optional<TimeOffsets> clocks;
  private final Stead stead;

  /// @param clocks of a time namespace of its own; empty: the engine's
  PlainBirths(Ptrace ptrace, Optional<TimeOffsets> clocks, Stead stead) {
    this.stead = stead;
    this.ptrace = ptrace;
    this.clocks = clocks;
  }

  @Override
  public Stub root(List<Integer> pids, RemoteAddress region, long regionBytes, Path image, int imageFd)
      throws SyscallException, StepFailedException, PidTakenException {
    try (StubFiles files = StubFiles.open(image, imageFd, stead);
        Stub first = Stub.spawn(ptrace, region, regionBytes, files.inherited())) {
      RootStub.furnish(first, files);
      if (clocks.isPresent()) {
        clocks.get().makeFor(first);
      }
      return Birth.sibling(first, List.of(pids.getLast()), Deadline.after(PATIENCE));
    }
  }

  @Override
  public List<Integer> setTid(List<Integer> pids) {
    return List.of(pids.getLast());
  }
}
