package stasis.engine;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import stasis.image.LossRow;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.linux.abi.Tid;
import stasis.linux.sys.Syscalls;
import stasis.tracee.Deadline;
import stasis.tracee.Ptrace;
import stasis.tracee.stub.IdRange;
import stasis.tracee.stub.PidNamespace;
import stasis.tracee.stub.PidTakenException;
import stasis.tracee.stub.Stub;
import stasis.tracee.stub.TimeOffsets;

/// The root is born in a pid and mount namespace made for it, where every pid is free; for an ordinary user in a user
/// namespace as well, where it may choose.
final class NamespaceBirths implements Births {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final Ptrace ptrace;
  private final Optional<TimeOffsets> clocks;
  private final boolean ownUsers;
  private Optional<PidNamespace> namespace = Optional.empty();
  private boolean released;

  /// @param clocks of a time namespace of its own; empty: the engine's
  /// @param ownUsers whether there is a user namespace too; without one this needs CAP_SYS_ADMIN
  NamespaceBirths(Ptrace ptrace, Optional<TimeOffsets> clocks, boolean ownUsers) {
    this.ownUsers = ownUsers;
    this.ptrace = ptrace;
    this.clocks = clocks;
  }

  @Override
  public Stub root(List<Integer> pids, RemoteAddress region, long regionBytes, Path image, int imageFd)
      throws SyscallException, StepFailedException, PidTakenException {
    try (StubFiles files = StubFiles.open(image, imageFd, Stead.own())) {
      PidNamespace made = PidNamespace.create(ptrace, region, regionBytes, files.inherited(), ids(Nr.GETUID),
          ids(Nr.GETGID), clocks);
      namespace = Optional.of(made);
      Stub root = made.root(pids.getLast(), Deadline.after(PATIENCE));
      RootStub.furnish(root, files);
      return root;
    }
  }

  private List<IdRange> ids(Nr own) throws SyscallException {
    return ownUsers ? IdRange.own(Math.toIntExact(Syscalls.require("learn our ids", own))) : List.of();
  }

  @Override
  public List<LossRow> told() {
    return namespace.filter(made -> !made.ownProc()).map(_ -> new LossRow("/proc", "namespace.pid",
        LossRow.Exactness.APPROXIMATE, "parts of this host's /proc are covered, so none can be mounted for the new pid"
            + " namespace: what the program finds in /proc are the numbers of the host", Optional.of(
                "restore where /proc is whole"))).stream().toList();
  }

  @Override
  public List<Integer> setTid(List<Integer> pids) {
    return List.of(pids.getLast());
  }

  @Override
  public void beforeRelease(Stub root, int pid) throws SyscallException {
    namespace.orElseThrow().release(pid, Optional.empty());
    released = true;
  }

  @Override
  public Tid waitable(Stub root) {
    return namespace.orElseThrow().init().tid();
  }

  @Override
  public void close() throws SyscallException {
    if (!released && namespace.isPresent()) {
      namespace.get().close();
    }
  }
}
