package stasis.kinds.mapping.name;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.linux.abi.Nr;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.Mapping;
import stasis.resource.MappingAspect;
import stasis.resource.Script;
import stasis.resource.VmaState;

/// The name a program gave anonymous memory (PR_SET_VMA of prctl(2)), replayed from what maps shows.
public final class Name implements MappingAspect<Name.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.name", 1);
  private static final int PR_SET_VMA = 0x53564d41;
  private static final int PR_SET_VMA_ANON_NAME = 0;

  /// Nothing beyond [VmaState]; never stored.
  record State() {}

  @Override
  public Schema<State> schema() {
    return SCHEMA;
  }

  @Override
  public Optional<State> checkpoint(Mapping mapping, Answers answers) {
    return Optional.empty();
  }

  @Override
  public void restore(Optional<State> state, VmaState vma, Script script) {
    if (!vma.name().isEmpty()) {
      script.call(Nr.PRCTL, "name of this memory", Arg.imm(PR_SET_VMA), Arg.imm(PR_SET_VMA_ANON_NAME),
          Arg.address(vma.start()), Arg.imm(vma.lengthBytes()), Arg.string(vma.name()));
    }
  }
}
