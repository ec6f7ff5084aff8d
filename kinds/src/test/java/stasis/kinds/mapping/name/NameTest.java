package stasis.kinds.mapping.name;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.resource.MappingAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class NameTest extends MemoryContract<Name.State> {
  @Override
  protected MappingAspect<Name.State> kind() {
    return new Name();
  }

  @Override
  protected Name.State sample() {
    return new Name.State();
  }

  @Override
  protected void program(Script script) {
    attach(kind(), Optional.empty(),
        FakeMapping.of("7f0000000000-7f0000004000 rw-p 00000000 00:00 0   [anon:a b]", "rd wr mr mw me ac"), script);
  }

  @Test
  void heapAndStackAreLabelsAndNoNames() throws ObstructedException {
    for (String label : new String[] {"[heap]", "[stack]", ""}) {
      FakeMapping mapping = FakeMapping.of("7f0000000000-7f0000004000 rw-p 00000000 00:00 0   " + label, "rd wr");
      assertThat(explain(script -> attach(kind(), Optional.empty(), mapping, script))).isEmpty();
    }
  }
}
