package stasis.kinds.description.lease;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.kinds.file.OpenFlags;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.Open;
import stasis.linux.abi.PathBytes;
import stasis.procfs.Locks;
import stasis.resource.Arg;
import stasis.resource.DescriptionAspect;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Provable;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A lease on an open file (F_SETLEASE of fcntl(2)), also one that somebody is breaking: then it is broken again, and its
/// holder has the whole time for an answer once more.
public final class Lease implements DescriptionAspect<Lease.State> {
  /// @param write as it was taken @param breaking what it is to become, empty when nobody breaks it
  record State(@Tag(1) boolean write, @Tag(2) Optional<Target> breaking) {}

  /// What the holder of a lease that is being broken is asked for.
  enum Target {
    READ, NONE
  }

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "description.lease", 1);
  private static final int F_SETLEASE = 1024;
  private static final int F_RDLCK = 0;
  private static final int F_WRLCK = 1;
  private static final int SIGIO = 29;
  private static final int SIGSET_BYTES = 8;

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(OpenFile file) throws ObstructedException {
    Optional<Locks.Lock> lease =
        file.info().locks().stream().filter(lock -> lock.kind().equals("LEASE") && !lock.blocked()).findFirst();
    if (lease.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(lease.get().mode().equals("ACTIVE")
        ? new State(lease.get().type().equals("WRITE"), Optional.empty()) : broken(file, lease.get()));
  }

  /// The kernel shows what it is to become (fs/locks.c, target_leasetype()): what it was follows, since a lease for
  /// reading goes with a file open for reading only, and can become nothing but none.
  private static State broken(OpenFile file, Locks.Lock lease) {
    boolean toRead = lease.type().equals("READ");
    return new State(toRead || OpenFlags.isWritable(file.info().flags()),
        Optional.of(toRead ? Target.READ : Target.NONE));
  }

  @Override
  public List<Loss> losses(State state) {
    return state.breaking().isEmpty() ? List.of()
        : List.of(Loss.of("its holder has all of /proc/sys/fs/lease-break-time again to give it up"));
  }

  /// Before the owner of its signals, so that the one of the break comes here and is taken: the program has had its own.
  @Override
  public void restore(State state, Fd self, Script script, Refs refs) {
    script.call(Nr.FCNTL, "its lease", Arg.imm(self.value()), Arg.imm(F_SETLEASE),
        Arg.imm(state.write() ? F_WRLCK : F_RDLCK));
    state.breaking().ifPresent(target -> {
      int access = target == Target.READ ? Open.O_RDONLY : Open.O_WRONLY;
      script.callExpecting(-Errno.EAGAIN.number(), Nr.OPENAT, "somebody breaks it", Arg.imm(Open.AT_FDCWD),
          Arg.path(PathBytes.of("/proc/self/fd/" + self.value())),
          Arg.imm(access | OpenFlags.O_NONBLOCK | Open.O_CLOEXEC), Arg.imm(0));
      script.callTolerating(Set.of(Errno.EAGAIN), Nr.RT_SIGTIMEDWAIT, "the signal of that",
          Arg.data(Bytes.ofU64(1L << (SIGIO - 1))), Arg.imm(0), Arg.data(Bytes.ofU64(0, 0)), Arg.imm(SIGSET_BYTES));
    });
  }
  /// Nobody's open(2) breaks a lease for reading but one for writing; any breaks the other.
  @Override
  public Provable<State> provable(State state) {
    return state.write() || state.breaking().isPresent() ? new Provable.Forbidden<>("the lease that the program holds"
        + " would be broken by a copy, which opens the file too") : new Provable.Whole<>();
  }
}
