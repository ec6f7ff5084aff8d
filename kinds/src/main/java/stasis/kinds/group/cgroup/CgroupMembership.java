package stasis.kinds.group.cgroup;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.resource.Answers;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.Provable;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// The cgroups the group was in (`/proc/PID/cgroup`). Known, not restored: a restored task is in its restorer's.
public final class CgroupMembership implements GroupAspect<CgroupMembership.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.cgroup", 1);

  /// @param membership text of the file, one line per hierarchy
  record State(@Tag(1) String membership) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Loss> losses(State state) {
    return state.membership().lines()
        .map(line -> new Loss("it leaves cgroup " + line + " for the restorer's",
            "start the restore in that cgroup")).toList();
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    List<String> inherited = host.inherited("cgroup").orElse("").lines().toList();
    return state.membership().lines().filter(line -> !inherited.contains(line))
        .flatMap(line -> losses(new State(line)).stream()).toList();
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    return group.proc("cgroup").filter(text -> !text.isBlank()).map(State::new);
  }

  @Override
  public void restore(State state, Script script, Refs refs) {}

  @Override
  public Stage stage() {
    return Stage.BIRTH;
  }
  @Override
  public Provable<State> provable(State state) {
    return new Provable.Without<>("the copy is in the group of Stasis, and takes nothing from the program's");
  }
}
