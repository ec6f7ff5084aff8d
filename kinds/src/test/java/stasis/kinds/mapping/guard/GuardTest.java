package stasis.kinds.mapping.guard;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Answers;
import stasis.resource.Extent;
import stasis.resource.MappingAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class GuardTest extends MemoryContract<Guard.State> {
  private static final Extent FIRST = new Extent(new RemoteAddress(0x7f0000001000L), 8192);
  private static final Extent SECOND = new Extent(new RemoteAddress(0x7f0000008000L), 4096);

  private static FakeMapping mapping() {
    return FakeMapping.of("7f0000000000-7f0000010000 rw-p 00000000 00:00 0 ", "rd wr mr mw me gu ac");
  }

  @Override
  protected MappingAspect<Guard.State> kind() {
    return new Guard();
  }

  @Override
  protected Guard.State sample() {
    return new Guard.State(List.of(FIRST, SECOND));
  }

  @Override
  protected void program(Script script) {
    attach(kind(), Optional.of(sample()), mapping(), script);
    attach(kind(), Optional.empty(), mapping(), script);
  }

  @Test
  void regionsAreThoseThePageTableShows() throws ObstructedException {
    assertThat(kind().checkpoint(mapping().guard(FIRST).guard(SECOND), new Answers(Map.of()))).contains(sample());
    assertThat(kind().checkpoint(mapping(), new Answers(Map.of()))).isEmpty();
  }
}
