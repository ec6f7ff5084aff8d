package stasis.kinds.group.loginuid;

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
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// Who logged in, for the audit trail (`/proc/PID/loginuid`). Known, not restored: it says who is responsible for what
/// a task does, and that is now whoever restores it.
public final class LoginUid implements GroupAspect<LoginUid.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.loginuid", 1);

  /// @param loginUid decimal; 4294967295 for nobody
  record State(@Tag(1) String loginUid) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Loss> losses(State state) {
    return List.of(Loss.of("login uid " + state.loginUid() + " becomes the restorer's"));
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    boolean same = host.inherited("loginuid").map(text -> text.strip().equals(state.loginUid())).orElse(false);
    return same ? List.of() : losses(state);
  }

  /// Empty on a kernel without audit.
  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    return group.proc("loginuid").map(text -> new State(text.strip()));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {}

  @Override
  public Stage stage() {
    return Stage.BIRTH;
  }
}
