package stasis.kinds.group.coredumpfilter;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class CoredumpFilterTest extends AspectContract<CoredumpFilter.State> {
  private final CoredumpFilter kind = new CoredumpFilter();

  @Override
  protected Kind<CoredumpFilter.State> kind() {
    return kind;
  }

  @Override
  protected CoredumpFilter.State sample() {
    return new CoredumpFilter.State(0x33);
  }

  @Test
  void filterIsReadAsHex() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup().file("coredump_filter", "00000033\n"), noAnswers()))
        .contains(sample());
  }

  @Test
  void kernelThatDumpsNoCoreHasNone() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup(), noAnswers())).isEmpty();
  }
}
