package stasis.kinds.group.membarrier;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.linux.abi.Errno;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class MembarrierTest extends AspectContract<Membarrier.State> {
  private final Membarrier kind = new Membarrier();

  @Override
  protected Kind<Membarrier.State> kind() {
    return kind;
  }

  @Override
  protected Membarrier.State sample() {
    return new Membarrier.State(0x154);
  }

  @Test
  void registrationsAreMadeOneByOne() throws ObstructedException {
    FakeGroup group = new FakeGroup();

    assertThat(kind.checkpoint(group, answers(kind.questions(group), value(0x154)))).contains(sample());
    assertThat(explain(sample())).hasLineCount(4);
  }

  @Test
  void groupThatRegisteredNothingHasNoState() throws ObstructedException {
    FakeGroup group = new FakeGroup();

    assertThat(kind.checkpoint(group, answers(kind.questions(group), value(0)))).isEmpty();
    assertThat(kind.checkpoint(group, answers(kind.questions(group), failure(Errno.ENOSYS)))).isEmpty();
  }

  @Test
  void kernelThatDoesNotTellIsAnObstacle() {
    FakeGroup group = new FakeGroup();

    assertThatThrownBy(() -> kind.checkpoint(group, answers(kind.questions(group), failure(Errno.EINVAL))))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("membarrier");
  }
}
