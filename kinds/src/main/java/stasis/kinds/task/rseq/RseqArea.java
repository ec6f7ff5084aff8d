package stasis.kinds.task.rseq;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.ObstructedException;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// A thread's registration with rseq(2). From here on the kernel writes cpu_id into the area at each return to user
/// mode, and would end the task if it found `rseq_cs` pointing at a section the restore program is not in; registering
/// clears that field, and the engine writes it back with the registers.
public final class RseqArea implements TaskAspect<RseqArea.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.rseq", 1);

  record State(@Tag(1) RemoteAddress area, @Tag(2) int sizeBytes, @Tag(3) int signature) {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    return task.rseq().map(rseq -> new State(rseq.area(), rseq.sizeBytes(), rseq.signature()));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    script.call(Nr.RSEQ, "rseq area", Arg.address(state.area()), Arg.imm(state.sizeBytes()), Arg.imm(0),
        Arg.imm(state.signature() & 0xffffffffL));
  }

  @Override
  public Stage stage() {
    return Stage.LAST;
  }
}
