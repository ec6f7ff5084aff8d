package stasis.kinds.task.pdeathsig;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Bytes;
import stasis.resource.Kind;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;

class ParentDeathSignalTest extends AspectContract<ParentDeathSignal.State> {
  private final ParentDeathSignal kind = new ParentDeathSignal();

  @Override
  protected Kind<ParentDeathSignal.State> kind() {
    return kind;
  }

  @Override
  protected ParentDeathSignal.State sample() {
    return new ParentDeathSignal.State(15, true);
  }

  @Test
  void signalAtTheEndOfAParentOutsideIsALoss() throws ObstructedException {
    FakeTask task = new FakeGroup().leader().stat(4, 1);

    ParentDeathSignal.State state = kind.checkpoint(task,
        answers(kind.questions(task), output(1, Bytes.ofU32(15)))).orElseThrow();

    assertThat(state).isEqualTo(sample());
    assertThat(kind.losses(state)).singleElement().extracting(Loss::detail).asString().contains("signal 15");
  }

  @Test
  void noSignalIsSetToo() throws ObstructedException {
    FakeTask task = new FakeGroup().leader();

    ParentDeathSignal.State state = kind.checkpoint(task,
        answers(kind.questions(task), output(1, Bytes.ofU32(0)))).orElseThrow();

    assertThat(explain(state)).contains("prctl(1, 0)");
    assertThat(kind.losses(state)).isEmpty();
  }
}
