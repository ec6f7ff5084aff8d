package stasis.kinds.task.tsc;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class TimeStampCounterTest extends AspectContract<TimeStampCounter.State> {
  private final TimeStampCounter kind = new TimeStampCounter();

  @Override
  protected Kind<TimeStampCounter.State> kind() {
    return kind;
  }

  @Override
  protected TimeStampCounter.State sample() {
    return new TimeStampCounter.State(2);
  }

  @Test
  void modeIsWhatTheTaskAnswers() throws ObstructedException {
    FakeTask task = new FakeGroup().leader();

    assertThat(kind.checkpoint(task, answers(kind.questions(task), output(1, Bytes.ofU32(2))))).contains(sample());
  }

  @Test
  void architectureWithoutTheSwitchHasNoState() throws ObstructedException {
    FakeTask task = new FakeGroup().leader();

    assertThat(kind.checkpoint(task, answers(kind.questions(task), failure(Errno.EINVAL)))).isEmpty();
  }
}
