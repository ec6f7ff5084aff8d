package stasis.kinds.task.personality;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// The execution domain of a thread (personality(2)). Set last: READ_IMPLIES_EXEC and its like change what mmap(2)
/// does.
public final class Personality implements TaskAspect<Personality.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.personality", 1);

  private static final Question PERSONA = Question.of(Nr.PERSONALITY, Arg.imm(0xffffffffL));

  /// @param persona PER_* and its flags; all ones would only ask and is refused
  record State(@Tag(1) int persona) {
    State {
      if (persona == -1) {
        throw new IllegalArgumentException("no personality is 0xffffffff");
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenTask task) {
    return List.of(PERSONA);
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    return Optional.of(new State((int) answers.require(PERSONA, task.subject()).result()));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.PERSONALITY, "personality", Arg.imm(state.persona() & 0xffffffffL));
  }

  @Override
  public Stage stage() {
    return Stage.LAST;
  }
}
