package stasis.kinds.task.ioports;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.resource.HiddenThread;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class IoPortsTest extends AspectContract<IoPorts.State> {
  private final IoPorts kind = new IoPorts();

  @Override
  protected Kind<IoPorts.State> kind() {
    return kind;
  }

  @Override
  protected IoPorts.State sample() {
    return new IoPorts.State(false);
  }

  @Override
  protected boolean isStored() {
    return false;
  }

  @Test
  void taskWithPortsIsRefused() {
    var ports = new HiddenThread(true, HiddenThread.Undos.NONE, true, Optional.empty(), 0);
    FakeTask task = new FakeGroup().leader().hidden(ports);

    assertThatThrownBy(() -> kind.checkpoint(task, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("I/O ports");
  }

  @Test
  void taskWithoutIsFine() throws ObstructedException {
    var nothing = new HiddenThread(false, HiddenThread.Undos.NONE, true, Optional.empty(), 0);

    assertThat(kind.checkpoint(new FakeGroup().leader().hidden(nothing), noAnswers()))
        .isEmpty();
  }
}
