package stasis.kinds.mapping.lock;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.FakeMapping;
import stasis.kinds.fake.MemoryContract;
import stasis.resource.MappingAspect;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class LockTest extends MemoryContract<Lock.State> {
  private static final String LINE = "7f0000000000-7f0000004000 rw-p 00000000 00:00 0 ";

  @Override
  protected MappingAspect<Lock.State> kind() {
    return new Lock();
  }

  @Override
  protected Lock.State sample() {
    return new Lock.State();
  }

  @Override
  protected void program(Script script) {
    attach(kind(), Optional.empty(), FakeMapping.of(LINE, "rd wr mr mw me lo ac"), script);
    attach(kind(), Optional.empty(), FakeMapping.of(LINE, "rd wr mr mw me lo lf ac"), script);
  }

  @Test
  void whatIsNotLockedIsLeftAlone() throws ObstructedException {
    FakeMapping mapping = FakeMapping.of(LINE, "rd wr mr mw me ac");
    assertThat(explain(script -> attach(kind(), Optional.empty(), mapping, script))).isEmpty();
  }
}
