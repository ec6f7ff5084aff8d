package stasis.kinds.description.lease;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.procfs.Locks;
import stasis.resource.Arg;
import stasis.resource.DescriptionAspect;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;
import stasis.resource.Refs;
import stasis.resource.Script;

/// A lease on an open file (F_SETLEASE of fcntl(2)). One that somebody is breaking is refused: how long the holder
/// still has does not show.
public final class Lease implements DescriptionAspect<Lease.State> {
  record State(@Tag(1) boolean write) {}

  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "description.lease", 1);
  private static final int F_SETLEASE = 1024;
  private static final int F_RDLCK = 0;
  private static final int F_WRLCK = 1;

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
    if (!lease.get().mode().equals("ACTIVE")) {
      throw new ObstructedException(file.subject(), "a lease that is being broken cannot be carried",
          "let the program give it up before the checkpoint");
    }
    return Optional.of(new State(lease.get().type().equals("WRITE")));
  }

  /// After the owner of its signals: the first lease makes who takes it the owner where there is none.
  @Override
  public void restore(State state, Fd self, Script script, Refs refs) {
    script.call(Nr.FCNTL, "its lease", Arg.imm(self.value()), Arg.imm(F_SETLEASE),
        Arg.imm(state.write() ? F_WRLCK : F_RDLCK));
  }
}
