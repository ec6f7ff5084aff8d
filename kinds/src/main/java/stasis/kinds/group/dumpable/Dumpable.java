package stasis.kinds.group.dumpable;

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
import stasis.resource.Loss;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// Whether a core may be dumped, and others of the same user may look in (PR_SET_DUMPABLE). After the credentials of
/// all threads: each change of them resets it to fs.suid_dumpable (kernel/cred.c, commit_creds()).
public final class Dumpable implements GroupAspect<Dumpable.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.dumpable", 1);
  private static final long PR_SET_DUMPABLE = 4;
  private static final Question DUMPABLE = Question.of(Nr.PRCTL, Arg.imm(3));
  private static final int SUID_DUMP_DISABLE = 0;
  private static final int SUID_DUMP_ROOT = 2;

  /// @param mode 0 no, 1 yes, 2 for root alone
  record State(@Tag(1) int mode) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenGroup group) {
    return List.of(DUMPABLE);
  }

  @Override
  public List<Loss> losses(State state) {
    return state.mode() == SUID_DUMP_ROOT
        ? List.of(Loss.of("dumpable for root alone comes back as not dumpable: prctl(2) does not set it")) : List.of();
  }

  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    return Optional.of(new State((int) answers.require(DUMPABLE, group.subject()).result()));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.PRCTL, "dumpable", Arg.imm(PR_SET_DUMPABLE),
        Arg.imm(state.mode() == SUID_DUMP_ROOT ? SUID_DUMP_DISABLE : state.mode()));
  }

  @Override
  public Stage stage() {
    return Stage.LAST;
  }

  @Override
  public Of of() {
    return Of.MM;
  }
}
