package stasis.kinds.group.umask;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// The file mode creation mask (umask(2)).
public final class FileModeMask implements GroupAspect<FileModeMask.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.umask", 1);

  record State(@Tag(1) int mask) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    Optional<Integer> mask = group.leader().status().umask();
    if (mask.isEmpty()) {
      throw new ObstructedException(group.subject(), "its umask is not shown: it is ending", "");
    }
    return Optional.of(new State(mask.get()));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.UMASK, "file mode creation mask", Arg.imm(state.mask()));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }

  @Override
  public Of of() {
    return Of.FS;
  }
}
