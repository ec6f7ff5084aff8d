package stasis.kinds.mapping.policy;

import java.lang.invoke.MethodHandles;
import java.util.List;
import java.util.Optional;
import stasis.image.Schema;
import stasis.image.Tag;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Mman;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.Loss;
import stasis.resource.Mapping;
import stasis.resource.MappingAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Question;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// NUMA policy of single vmas (mbind(2)).
public final class Policy implements MappingAspect<Policy.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.policy", 1);
  private static final int MODE_ARGUMENT = 0;
  private static final int NODES_ARGUMENT = 1;
  private static final int NODES_BYTES = 128;
  /// The kernel takes one off (mm/mempolicy.c, get_nodes()).
  private static final int MAX_NODE = 8 * NODES_BYTES + 1;
  private static final int MODE_BITS = 0xff;
  private static final int MPOL_DEFAULT = 0;
  private static final int MPOL_BIND = 2;
  private static final int MPOL_PREFERRED_MANY = 5;

  /// @param mode MPOL_ mode and MPOL_F_ mode flags @param nodes bit n of the little-endian bytes is node n
  record State(@Tag(1) int mode, @Tag(2) Bytes nodes) {
    State {
      if (nodes.length() != NODES_BYTES) {
        throw new IllegalArgumentException("a node mask has " + NODES_BYTES + " bytes, was " + nodes.length());
      }
    }
  }

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public List<Question> questions(Mapping mapping) {
    return mapping.mayHavePolicy() ? List.of(question(mapping)) : List.of();
  }

  private static Question question(Mapping mapping) {
    return Question.of(Nr.GET_MEMPOLICY, Arg.space(4), Arg.space(NODES_BYTES), Arg.imm(MAX_NODE),
        Arg.imm(mapping.vma().start()), Arg.imm(Mman.MPOL_F_ADDR));
  }

  @Override
  public Optional<State> checkpoint(Mapping mapping, Answers answers) throws ObstructedException {
    if (!mapping.mayHavePolicy()) {
      return Optional.empty();
    }
    Answer answer = answers.require(question(mapping), mapping.subject());
    int mode = answer.output(MODE_ARGUMENT).u32(0);
    return mode == MPOL_DEFAULT ? Optional.empty() : Optional.of(new State(mode, answer.output(NODES_ARGUMENT)));
  }

  @Override
  public List<Loss> losses(State state) {
    int mode = state.mode() & MODE_BITS;
    return mode == MPOL_BIND || mode == MPOL_PREFERRED_MANY
        ? List.of(Loss.of("a home node (set_mempolicy_home_node) cannot be read")) : List.of();
  }

  @Override
  public void restore(Optional<State> state, VmaState vma, Script script) {
    state.ifPresent(policy -> script.call(Nr.MBIND, "memory policy", Arg.address(vma.start()),
        Arg.imm(vma.lengthBytes()), Arg.imm(policy.mode()), Arg.data(policy.nodes()), Arg.imm(MAX_NODE), Arg.imm(0)));
  }
}
