package stasis.kinds.mapping.seal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.resource.MappingAspect;
import stasis.resource.Script;
import stasis.resource.Stage;

class SealTest extends MemoryContract<Seal.State> {
  @Override
  protected MappingAspect<Seal.State> kind() {
    return new Seal();
  }

  @Override
  protected Seal.State sample() {
    return new Seal.State();
  }

  @Override
  protected void program(Script script) {
    attach(kind(), Optional.empty(),
        FakeMapping.of("7f0000000000-7f0000004000 rw-p 00000000 00:00 0 ", "rd wr mr mw me ac sl"), script);
    attach(kind(), Optional.empty(),
        FakeMapping.of("7f0000010000-7f0000014000 rw-p 00000000 00:00 0 ", "rd wr mr mw me ac"), script);
  }

  @Test
  void sealsComeWhenNothingIsLeftToChange() {
    assertThat(kind().stage()).isEqualTo(Stage.LAST);
  }
}
