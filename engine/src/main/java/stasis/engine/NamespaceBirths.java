package stasis.engine;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
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

/// The root is born in a user, pid and mount namespace made for it: there an ordinary user may choose its pid, and
/// every pid is free.
final class NamespaceBirths implements Births {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final Ptrace ptrace;
  private final Optional<TimeOffsets> clocks;
  private Optional<PidNamespace> namespace = Optional.empty();
  private boolean released;

  /// @param clocks of a time namespace of its own; empty: the engine's
  NamespaceBirths(Ptrace ptrace, Optional<TimeOffsets> clocks) {
    this.ptrace = ptrace;
    this.clocks = clocks;
  }

  @Override
  public Stub root(List<Integer> pids, RemoteAddress region, long regionBytes, Path image, int imageFd)
      throws SyscallException, StepFailedException, PidTakenException {
    try (StubFiles files = StubFiles.open(image, imageFd, Stead.own())) {
      int uid = Math.toIntExact(Syscalls.require("learn our uid", Nr.GETUID));
      int gid = Math.toIntExact(Syscalls.require("learn our gid", Nr.GETGID));
      PidNamespace made = PidNamespace.create(ptrace, region, regionBytes, files.inherited(), IdRange.own(uid),
          IdRange.own(gid), clocks);
      namespace = Optional.of(made);
      Stub root = made.root(pids.getLast(), Deadline.after(PATIENCE));
      RootStub.furnish(root, files);
      return root;
    }
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
