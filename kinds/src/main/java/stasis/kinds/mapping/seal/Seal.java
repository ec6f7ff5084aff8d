package stasis.kinds.mapping.seal;

import java.lang.invoke.MethodHandles;
import java.util.Optional;
import stasis.image.Schema;
import stasis.linux.abi.Nr;
import stasis.procfs.VmFlag;
import stasis.resource.Answers;
import stasis.resource.Arg;
import stasis.resource.Mapping;
import stasis.resource.MappingAspect;
import stasis.resource.Script;
import stasis.resource.Stage;
import stasis.resource.VmaState;

/// mseal(2), replayed from VmFlag `sl`: from then on the vma can be neither changed nor unmapped, so it comes last.
public final class Seal implements MappingAspect<Seal.State> {
  private static final Schema<State> SCHEMA = Schema.of(MethodHandles.lookup(), State.class, "mapping.seal", 1);

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
    if (vma.has(VmFlag.SL.code())) {
      script.call(Nr.MSEAL, "seal", Arg.address(vma.start()), Arg.imm(vma.lengthBytes()), Arg.imm(0));
    }
  }

  @Override
  public Stage stage() {
    return Stage.LAST;
  }
}
