package stasis.kinds.group.subreaper;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.linux.abi.Bytes;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class SubreaperTest extends AspectContract<Subreaper.State> {
  private final Subreaper kind = new Subreaper();

  @Override
  protected Kind<Subreaper.State> kind() {
    return kind;
  }

  @Override
  protected Subreaper.State sample() {
    return new Subreaper.State(true);
  }

  @Test
  void answerIsWrittenByTheKernelNotReturned() throws ObstructedException {
    FakeGroup group = new FakeGroup();

    assertThat(kind.checkpoint(group, answers(kind.questions(group), output(1, Bytes.ofU32(1)))))
        .contains(sample());
  }

  @Test
  void groupThatIsNoneIsMadeNone() {
    assertThat(explain(new Subreaper.State(false))).contains("prctl(0x24, 0)");
  }
}
