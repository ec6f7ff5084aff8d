package stasis.kinds.task.tidaddress;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// Where the kernel writes 0 and wakes a futex when the thread ends (set_tid_address(2)): what pthread_join(3) waits
/// on.
public final class TidAddress implements TaskAspect<TidAddress.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.tidaddress", 1);
  private static final long PR_GET_TID_ADDRESS = 40;
  private static final Question ADDRESS = Question.of(Nr.PRCTL, Arg.imm(PR_GET_TID_ADDRESS), Arg.space(8));

  /// @param clearChildTid 0 for none
  record State(@Tag(1) RemoteAddress clearChildTid) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenTask task) {
    return List.of(ADDRESS);
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    long address = answers.require(ADDRESS, task.subject()).output(1).u64(0);
    return Optional.of(new State(new RemoteAddress(address)));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.SET_TID_ADDRESS, "futex woken at thread end", Arg.address(state.clearChildTid()));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
