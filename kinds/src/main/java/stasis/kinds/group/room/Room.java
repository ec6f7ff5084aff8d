package stasis.kinds.group.room;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.procfs.Limits;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// Room to restore in: the soft limits a restore itself could run into are raised to the hard ones, whatever they are,
/// as soon as the leader is born. The program's own come back with [stasis.kinds.group.rlimits].
public final class Room implements GroupAspect<Room.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.room", 1);
  private static final int RLIMIT_BYTES = 16;
  private static final int HARD = 8;

  record State(@Tag(1) List<Limits.Resource> raised) {
    State {
      raised = List.copyOf(raised);
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) {
    return Optional.of(new State(List.of(Limits.Resource.FSIZE, Limits.Resource.DATA, Limits.Resource.NOFILE,
        Limits.Resource.MEMLOCK, Limits.Resource.AS, Limits.Resource.SIGPENDING)));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    for (Limits.Resource resource : state.raised()) {
      String name = "RLIMIT_" + resource;
      Ref<RemoteAddress> now = script.call(Nr.PRLIMIT64, name + " of the restorer", Arg.imm(0),
          Arg.imm(resource.ordinal()), Arg.imm(0), Arg.space(RLIMIT_BYTES));
      Arg hard = Arg.output(now, 3, HARD, 8);
      script.call(Nr.PRLIMIT64, name + " as high as may be", Arg.imm(0), Arg.imm(resource.ordinal()),
          new Arg.Struct(Bytes.zeros(RLIMIT_BYTES), List.of(new Arg.Patch(0, 8, hard), new Arg.Patch(HARD, 8, hard))),
          Arg.imm(0));
    }
  }

  @Override
  public Stage stage() {
    return Stage.BIRTH;
  }
}
