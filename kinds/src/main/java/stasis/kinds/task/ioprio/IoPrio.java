package stasis.kinds.task.ioprio;

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
import stasis.resource.FrozenTask;
import stasis.resource.HiddenThread;
import stasis.resource.Host;
import stasis.resource.Loss;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// The I/O priority of a thread (ioprio_set(2)).
public final class IoPrio implements TaskAspect<IoPrio.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.ioprio", 2);
  private static final long IOPRIO_WHO_PROCESS = 1;
  private static final int IOPRIO_CLASS_SHIFT = 13;
  private static final int IOPRIO_CLASS_RT = 1;

  /// @param priority class in the upper bits, hint and level in the lower 13; 0 where none was set
  /// @param sharing with how many tasks in all it shares its I/O context, if with any (CLONE_IO)
  record State(@Tag(1) int priority, @Tag(2) Optional<Integer> sharing) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Loss> losses(State state) {
    return state.sharing().map(tasks -> Loss.of("its I/O context, which " + tasks + " tasks share (CLONE_IO), is its own"
        + " from then on: a disk's scheduler tells them apart")).stream().toList();
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    boolean allowed = host.capabilities().contains("CAP_SYS_NICE") || host.capabilities().contains("CAP_SYS_ADMIN");
    return state.priority() >> IOPRIO_CLASS_SHIFT == IOPRIO_CLASS_RT && !allowed
        ? List.of(new Obstacle.HostLacks("I/O priority", "its real-time class needs CAP_SYS_NICE",
            "restore with that capability")) : List.of();
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    Answer priority = task.observe(Nr.IOPRIO_GET, Arg.imm(IOPRIO_WHO_PROCESS), Arg.imm(task.tid().value()));
    if (priority.failed()) {
      throw new ObstructedException(task.subject(), "ioprio_get failed with " + Errno.of(priority.result()), "");
    }
    return Optional.of(new State((int) priority.result(),
        task.hidden().map(HiddenThread::ioSharers).filter(sharers -> sharers > 1)));
  }

  /// One that was never set is not set now: that would give the thread an io context of its own, which kcmp(2) shows. A
  /// stub is made without one.
  @Override
  public void restore(State state, Script script, Refs refs) {
    if (state.priority() == 0) {
      script.callExpecting(0, Nr.IOPRIO_GET, "no I/O priority", Arg.imm(IOPRIO_WHO_PROCESS), Arg.imm(0));
    } else {
      script.call(Nr.IOPRIO_SET, "I/O priority", Arg.imm(IOPRIO_WHO_PROCESS), Arg.imm(0), Arg.imm(state.priority()));
    }
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
