package stasis.kinds.group.oomscore;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Host;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Provable;
import stasis.resource.Ref;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// How readily the group is killed when memory runs out (`/proc/PID/oom_score_adj`).
public final class OomScore implements GroupAspect<OomScore.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.oomscore", 1);
  private static final long AT_FDCWD = -100;
  private static final long O_WRONLY_CLOEXEC = 0x80001;

  /// @param adjustment -1000 to 1000
  record State(@Tag(1) int adjustment) {
    private Bytes text() {
      Bytes string = Bytes.cString(Integer.toString(adjustment));
      return string.slice(0, string.length() - 1);
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    int inherited = host.inherited("oom_score_adj").map(text -> Integer.parseInt(text.strip())).orElse(0);
    return state.adjustment() >= inherited || host.capabilities().contains("CAP_SYS_RESOURCE") ? List.of()
        : List.of(new Obstacle.HostLacks("oom_score_adj", "it was " + state.adjustment() + ", the restorer has "
            + inherited + ", and lowering it needs CAP_SYS_RESOURCE", "restore with that capability"));
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    return group.proc("oom_score_adj").map(text -> new State(Integer.parseInt(text.strip())));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    Bytes text = state.text();
    Ref<Fd> file = script.call(Nr.OPENAT, "oom_score_adj", Arg.imm(AT_FDCWD), Arg.string("/proc/self/oom_score_adj"),
        Arg.imm(O_WRONLY_CLOEXEC), Arg.imm(0));
    script.callExpecting(text.length(), Nr.WRITE, "oom_score_adj " + state.adjustment(), Arg.result(file),
        Arg.data(text), Arg.imm(text.length()));
    script.call(Nr.CLOSE, "oom_score_adj", Arg.result(file));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }

  @Override
  public Provable<State> provable(State state) {
    return new Provable.Without<>("when memory runs out the copy is to be ended before the program");
  }
}
