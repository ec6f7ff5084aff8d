package stasis.kinds.group.mdwe;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenGroup;
import stasis.resource.GroupAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;

/// Memory-deny-write-execute (PR_SET_MDWE(2const)): from then on no memory gains PROT_EXEC, so it comes last.
public final class Mdwe implements GroupAspect<Mdwe.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.mdwe", 1);
  private static final int PR_SET_MDWE = 65;
  private static final int PR_GET_MDWE = 66;
  private static final Question GET =
      Question.of(Nr.PRCTL, Arg.imm(PR_GET_MDWE), Arg.imm(0), Arg.imm(0), Arg.imm(0), Arg.imm(0));

  /// @param bits PR_MDWE_REFUSE_EXEC_GAIN (1) and PR_MDWE_NO_INHERIT (2)
  record State(@Tag(1) int bits) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenGroup group) {
    return List.of(GET);
  }

  /// A kernel before 6.3 has none of it and says EINVAL.
  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    if (answers.to(GET).failedWith(Errno.EINVAL)) {
      return Optional.empty();
    }
    Answer bits = answers.require(GET, group.subject());
    return bits.result() == 0 ? Optional.empty() : Optional.of(new State((int) bits.result()));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.PRCTL, "no memory may become executable any more", Arg.imm(PR_SET_MDWE), Arg.imm(state.bits()),
        Arg.imm(0), Arg.imm(0), Arg.imm(0));
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
