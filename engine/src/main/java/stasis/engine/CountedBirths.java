package stasis.engine;

import java.nio.file.Path;
import java.util.List;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SyscallException;
import stasis.tracee.Ptrace;
import stasis.tracee.stub.Birth;
import stasis.tracee.stub.CloneArgs;
import stasis.tracee.stub.PidCounter;
import stasis.tracee.stub.PidTakenException;
import stasis.tracee.stub.Stub;

/// Tasks are born in the engine's own pid namespace when the kernel's counter comes to their numbers: for who has no
/// capability and can make no namespace. Who else makes tasks there at that moment may get a number first; then it is
/// tried again.
final class CountedBirths implements Births {
  private static final int TRIES = 8;

  private final Ptrace ptrace;
  private final Stead stead;
  private final Moment.Listener listener;

  /// @param listener may cancel while numbers are waited for
  CountedBirths(Ptrace ptrace, Stead stead, Moment.Listener listener) {
    this.listener = listener;
    this.ptrace = ptrace;
    this.stead = stead;
  }

  @Override
  public Stub root(List<Integer> pids, RemoteAddress region, long regionBytes, Path image, int imageFd)
      throws SyscallException, StepFailedException, PidTakenException {
    int wanted = pids.getLast();
    try (StubFiles files = StubFiles.open(image, imageFd, stead);
        Stub first = Stub.spawn(ptrace, region, regionBytes, files.inherited())) {
      RootStub.furnish(first, files);
      for (int tries = 0; tries < TRIES; tries++) {
        Stub root = Birth.inTurn(first, new CloneArgs(CloneArgs.CLONE_PARENT, 0, List.of()), awaitTurn(first, wanted));
        if (root.tid().value() == wanted) {
          return root;
        }
        root.close();
      }
    }
    throw StepFailedException.missed(wanted);
  }

  @Override
  public List<Integer> setTid(List<Integer> pids) {
    return List.of();
  }

  @Override
  public boolean inTurn() {
    return true;
  }

  @Override
  public int awaitTurn(Stub walker, int pid) throws SyscallException {
    return new PidCounter(walker, () -> listener.at(new Moment.At("restore.count"))).approach(pid);
  }
}
