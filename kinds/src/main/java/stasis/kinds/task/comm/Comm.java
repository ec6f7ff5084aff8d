package stasis.kinds.task.comm;

import java.lang.invoke.MethodHandles;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// The name of a thread: what prctl(2) PR_SET_NAME sets and execve(2) set before.
public final class Comm implements TaskAspect<Comm.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.comm", 1);
  private static final long PR_SET_NAME = 15;
  /// TASK_COMM_LEN of the kernel, the terminating NUL included.
  private static final int COMM_BYTES = 16;

  /// @param name up to 15 bytes, none of them NUL
  record State(@Tag(1) Bytes name) {
    State {
      if (name.length() >= COMM_BYTES) {
        throw new IllegalArgumentException("a comm has at most 15 bytes, was " + name.length());
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  /// Not from `status`, which escapes some bytes: `stat` has all of them as they are.
  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) {
    return Optional.of(new State(Bytes.of(task.stat().comm().getBytes(StandardCharsets.ISO_8859_1))));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.PRCTL, "comm", Arg.imm(PR_SET_NAME),
        Arg.data(state.name().concat(Bytes.zeros(COMM_BYTES - state.name().length()))));
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
