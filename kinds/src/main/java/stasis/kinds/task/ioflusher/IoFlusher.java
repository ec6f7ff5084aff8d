package stasis.kinds.task.ioflusher;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.Host;
import stasis.resource.Obstacle;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// A thread that memory reclaim must not wait for (PR_SET_IO_FLUSHER). Read from the task flags in `/proc/PID/stat`:
/// PR_GET_IO_FLUSHER itself wants CAP_SYS_RESOURCE.
public final class IoFlusher implements TaskAspect<IoFlusher.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.ioflusher", 1);
  private static final long PR_SET_IO_FLUSHER = 57;
  /// PF_MEMALLOC_NOIO and PF_LOCAL_THROTTLE (include/linux/sched.h; kernel/sys.c, PR_IO_FLUSHER).
  private static final long PR_IO_FLUSHER = 0x0008_0000 | 0x0010_0000;

  record State(@Tag(1) boolean on) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Obstacle> obstacles(State state, Host host) {
    return host.capabilities().contains("CAP_SYS_RESOURCE") ? List.of()
        : List.of(new Obstacle.HostLacks("I/O flusher", "PR_SET_IO_FLUSHER needs CAP_SYS_RESOURCE",
            "restore with that capability"));
  }

  /// Empty for the ordinary task.
  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) {
    return (task.stat().flags() & PR_IO_FLUSHER) == PR_IO_FLUSHER ? Optional.of(new State(true)) : Optional.empty();
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.PRCTL, "I/O flusher", Arg.imm(PR_SET_IO_FLUSHER), Arg.imm(state.on() ? 1 : 0));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
