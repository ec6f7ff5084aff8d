package stasis.kinds.task.mempolicy;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.FrozenTask;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Refs;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.TaskAspect;

/// Where a thread's memory is taken from, as far as its vmas say nothing (set_mempolicy(2)).
public final class MemPolicy implements TaskAspect<MemPolicy.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "task.mempolicy", 2);
  /// Nodes asked for: as many as any kernel is built for (CONFIG_NODES_SHIFT up to 10).
  private static final int MAX_NODES = 1024;
  private static final int MASK_BYTES = MAX_NODES / 8;
  private static final Question POLICY = Question.of(Nr.GET_MEMPOLICY, Arg.space(4), Arg.space(MASK_BYTES),
      Arg.imm(MAX_NODES), Arg.imm(0), Arg.imm(0));

  /// @param mode MPOL_* with its MPOL_F_* flags
  /// @param nodes bit mask without the zeros behind its last node: each thread has one. Version 1 stored all 128 bytes
  record State(@Tag(1) int mode, @Tag(2) Bytes nodes) {
    State {
      if (nodes.length() > MASK_BYTES) {
        throw new IllegalArgumentException("a node mask has at most " + MASK_BYTES + " bytes, was " + nodes.length());
      }
      int length = nodes.length();
      while (length > 0 && nodes.u8(length - 1) == 0) {
        length--;
      }
      nodes = nodes.slice(0, length);
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(FrozenTask task) {
    return List.of(POLICY);
  }

  /// Empty on a kernel without NUMA.
  @Override
  public Optional<State> checkpoint(FrozenTask task, Answers answers) throws ObstructedException {
    if (answers.to(POLICY).failedWith(Errno.ENOSYS)) {
      return Optional.empty();
    }
    Answer policy = answers.require(POLICY, task.subject());
    return Optional.of(new State(policy.output(0).u32(0), policy.output(1)));
  }

  @Override
  public void restore(State state, Script script, Refs refs) {
    if (state.nodes().isEmpty()) {
      script.call(Nr.SET_MEMPOLICY, "memory policy", Arg.imm(state.mode()), Arg.imm(0), Arg.imm(0));
    } else {
      script.call(Nr.SET_MEMPOLICY, "memory policy", Arg.imm(state.mode()),
          Arg.data(state.nodes().concat(Bytes.zeros(MASK_BYTES - state.nodes().length()))),
          Arg.imm(MAX_NODES));
    }
  }

  @Override
  public Stage stage() {
    return Stage.ATTRIBUTES;
  }
}
