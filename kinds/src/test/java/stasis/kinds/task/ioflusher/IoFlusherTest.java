package stasis.kinds.task.ioflusher;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.resource.Kind;
import stasis.resource.Obstacle;

class IoFlusherTest extends AspectContract<IoFlusher.State> {
  private final IoFlusher kind = new IoFlusher();

  @Override
  protected Kind<IoFlusher.State> kind() {
    return kind;
  }

  @Override
  protected IoFlusher.State sample() {
    return new IoFlusher.State(true);
  }

  @Test
  void onlyBothFlagsTogetherAreIt() {
    assertThat(kind.checkpoint(new FakeGroup().leader().stat(9, 0x580000), noAnswers())).contains(sample());
    assertThat(kind.checkpoint(new FakeGroup().leader().stat(9, 0x480000), noAnswers())).isEmpty();
  }

  @Test
  void hostWithoutTheCapabilityCannotSetIt() {
    assertThat(kind.obstacles(sample(), new FakeHost())).singleElement().extracting(Obstacle::reason).asString()
        .contains("CAP_SYS_RESOURCE");
    assertThat(kind.obstacles(sample(), new FakeHost().capable("CAP_SYS_RESOURCE"))).isEmpty();
  }
}
