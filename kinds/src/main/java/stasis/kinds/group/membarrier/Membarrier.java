package stasis.kinds.group.membarrier;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Errno;
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

/// Which barriers the group has registered for (membarrier(2)). Done at birth, while it has one thread: later each
/// registration waits for all CPUs (kernel/sched/membarrier.c, sync_runqueues_membarrier_state()).
public final class Membarrier implements GroupAspect<Membarrier.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "group.membarrier", 1);
  private static final long MEMBARRIER_CMD_GET_REGISTRATIONS = 512;
  private static final Question REGISTRATIONS = Question.of(Nr.MEMBARRIER, Arg.imm(MEMBARRIER_CMD_GET_REGISTRATIONS));

  /// @param commands MEMBARRIER_CMD_REGISTER_* or'ed
  record State(@Tag(1) int commands) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenGroup group) {
    return List.of(REGISTRATIONS);
  }

  /// Empty where nothing was registered, or the kernel has no membarrier.
  @Override
  public Optional<State> checkpoint(FrozenGroup group, Answers answers) throws ObstructedException {
    if (answers.to(REGISTRATIONS).failedWith(Errno.ENOSYS)) {
      return Optional.empty();
    }
    if (answers.to(REGISTRATIONS).failedWith(Errno.EINVAL)) {
      throw new ObstructedException(group.subject(), "this kernel does not tell what it registered with membarrier(2)",
          "use Linux 6.3 or newer");
    }
    int commands = (int) answers.require(REGISTRATIONS, group.subject()).result();
    return commands == 0 ? Optional.empty() : Optional.of(new State(commands));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    for (int command = 1; command > 0; command <<= 1) {
      if ((state.commands() & command) != 0) {
        script.call(Nr.MEMBARRIER, "membarrier registration", Arg.imm(command), Arg.imm(0), Arg.imm(0));
      }
    }
  }

  @Override
  public Stage stage() {
    return Stage.BIRTH;
  }

  @Override
  public Of of() {
    return Of.MM;
  }
}
