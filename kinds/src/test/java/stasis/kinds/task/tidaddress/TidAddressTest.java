package stasis.kinds.task.tidaddress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class TidAddressTest extends AspectContract<TidAddress.State> {
  private final TidAddress kind = new TidAddress();

  @Override
  protected Kind<TidAddress.State> kind() {
    return kind;
  }

  @Override
  protected TidAddress.State sample() {
    return new TidAddress.State(new RemoteAddress(0x7f0000001a10L));
  }

  @Test
  void addressIsWhatTheTaskAnswers() throws ObstructedException {
    FakeTask task = new FakeGroup().leader();

    assertThat(kind.checkpoint(task, answers(kind.questions(task), output(1, Bytes.ofU64(0x7f0000001a10L)))))
        .contains(sample());
  }

  @Test
  void kernelThatDoesNotTellIsAnObstacle() {
    FakeTask task = new FakeGroup().leader();

    assertThatThrownBy(() -> kind.checkpoint(task, answers(kind.questions(task), failure(Errno.EINVAL))))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("EINVAL");
  }
}
