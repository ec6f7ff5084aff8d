package stasis.kinds.task.mcekill;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// When a thread is told that memory it uses has gone bad (PR_MCE_KILL). Read from the task flags in `/proc/PID/stat`,
/// so that it costs no call in the task.
public final class McePolicy implements TaskAspect<McePolicy.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.mcekill", 1);
  private static final long PR_MCE_KILL = 33;
  private static final long PR_MCE_KILL_SET = 1;
  /// PF_MCE_PROCESS and PF_MCE_EARLY (include/linux/sched.h); seen to follow PR_MCE_KILL_GET.
  private static final long PF_MCE_PROCESS = 0x80;
  private static final long PF_MCE_EARLY = 0x0800_0000;
  private static final int LATE = 0;
  private static final int EARLY = 1;
  private static final int DEFAULT = 2;

  /// @param policy PR_MCE_KILL_LATE 0, EARLY 1, DEFAULT 2
  record State(@Tag(1) int policy) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) {
    long flags = task.stat().flags();
    if ((flags & PF_MCE_PROCESS) == 0) {
      return Optional.of(new State(DEFAULT));
    }
    return Optional.of(new State((flags & PF_MCE_EARLY) != 0 ? EARLY : LATE));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.PRCTL, "machine check policy", Arg.imm(PR_MCE_KILL), Arg.imm(PR_MCE_KILL_SET),
        Arg.imm(state.policy()));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
