package stasis.kinds.task.ioprio;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.HiddenThread;
import stasis.resource.Kind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;

class IoPrioTest extends AspectContract<IoPrio.State> {
  private final IoPrio kind = new IoPrio();

  @Override
  protected Kind<IoPrio.State> kind() {
    return kind;
  }

  @Override
  protected IoPrio.State sample() {
    return new IoPrio.State((2 << 13) | 4, Optional.empty());
  }

  @Test
  void priorityIsReadFromOutside() throws ObstructedException {
    FakeTask task = new FakeGroup().leader().observing(value((2 << 13) | 4), Nr.IOPRIO_GET, Arg.imm(1),
        Arg.imm(4711));

    assertThat(kind.checkpoint(task, noAnswers())).contains(sample());
  }

  @Test
  void realTimeClassNeedsACapability() {
    IoPrio.State realTime = new IoPrio.State((1 << 13) | 3, Optional.empty());

    assertThat(kind.obstacles(realTime, new FakeHost())).singleElement().extracting(Obstacle::reason).asString()
        .contains("CAP_SYS_NICE");
    assertThat(kind.obstacles(realTime, new FakeHost().capable("CAP_SYS_NICE"))).isEmpty();
    assertThat(kind.obstacles(sample(), new FakeHost())).isEmpty();
  }

  @Test
  void priorityThatWasNeverSetIsCheckedNotSet() {
    assertThat(explain(new IoPrio.State(0, Optional.empty()))).contains("ioprio_get(1, 0) == 0")
        .doesNotContain("ioprio_set");
  }

  @Test
  void anIoContextThatIsSharedIsTold() throws ObstructedException {
    FakeTask task = new FakeGroup().leader().hidden(new HiddenThread(false, HiddenThread.Undos.NONE, true,
        Optional.empty(), 2)).observing(value(0), Nr.IOPRIO_GET, Arg.imm(1), Arg.imm(4711));

    assertThat(kind.losses(kind.checkpoint(task, noAnswers()).orElseThrow())).hasSize(1);
    assertThat(kind.losses(sample())).isEmpty();
  }
}
