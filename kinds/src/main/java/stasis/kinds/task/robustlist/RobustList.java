package stasis.kinds.task.robustlist;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// The list of robust futexes the kernel walks when a thread ends (set_robust_list(2)). The list itself is memory.
public final class RobustList implements TaskAspect<RobustList.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.robustlist", 1);

  /// @param head 0 where no list was set @param lengthBytes of the head, the only size the kernel takes
  record State(@Tag(1) RemoteAddress head, @Tag(2) long lengthBytes) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    Answer list = task.observe(Nr.GET_ROBUST_LIST, Arg.imm(task.tid().value()), Arg.space(8), Arg.space(8));
    if (list.failed()) {
      throw new ObstructedException(task.subject(), "get_robust_list failed with " + Errno.of(list.result()),
          "run as the task's owner or as root");
    }
    return Optional.of(new State(new RemoteAddress(list.output(1).u64(0)), list.output(2).u64(0)));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.SET_ROBUST_LIST, "robust futex list", Arg.address(state.head()), Arg.imm(state.lengthBytes()));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
