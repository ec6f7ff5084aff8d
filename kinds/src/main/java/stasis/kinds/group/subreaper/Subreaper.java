package stasis.kinds.group.subreaper;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// Whether orphans among the descendants become children of this group (PR_SET_CHILD_SUBREAPER).
public final class Subreaper implements GroupAspect<Subreaper.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.subreaper", 1);
  private static final long PR_SET_CHILD_SUBREAPER = 36;
  private static final Question SUBREAPER = Question.of(Nr.PRCTL, Arg.imm(37), Arg.space(4));

  record State(@Tag(1) boolean on) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenGroup group) {
    return List.of(SUBREAPER);
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    return Optional.of(new State(answers.require(SUBREAPER, group.subject()).output(1).u32(0) != 0));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.PRCTL, "child subreaper", Arg.imm(PR_SET_CHILD_SUBREAPER), Arg.imm(state.on() ? 1 : 0));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
