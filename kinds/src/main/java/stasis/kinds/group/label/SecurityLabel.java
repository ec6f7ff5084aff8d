package stasis.kinds.group.label;

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

/// The label a security module gave the group (`/proc/PID/attr/current`: SELinux, AppArmor, Smack). Known, not
/// restored: a restored task has its restorer's. A Landlock domain has no label and no file; no call shows one.
public final class SecurityLabel implements GroupAspect<SecurityLabel.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.label", 1);

  record State(@Tag(1) String label) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Loss> losses(State state) {
    return List.of(new Loss("security label " + state.label() + " becomes the restorer's",
        "run the restore under that label"));
  }

  @Override
  public List<Loss> losses(State state, Host host) {
    boolean same = host.inherited("attr/current").map(text -> trim(text).equals(state.label())).orElse(false);
    return same ? List.of() : losses(state);
  }

  /// Empty where no module labels tasks.
  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    return group.proc("attr/current").map(SecurityLabel::trim).filter(label -> !label.isEmpty()).map(State::new);
  }

  private static String trim(String text) {
    return text.replace("\0", "").strip();
  }

  @Override
  public void restore(State state, Script script, Refs refs) {}

  @Override
  public Stage stage() {
    return Stage.BIRTH;
  }
}
