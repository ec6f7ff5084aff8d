package stasis.kinds.task.timerslack;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class TimerSlackTest extends AspectContract<TimerSlack.State> {
  private final TimerSlack kind = new TimerSlack();

  @Override
  protected Kind<TimerSlack.State> kind() {
    return kind;
  }

  @Override
  protected TimerSlack.State sample() {
    return new TimerSlack.State(123456);
  }

  @Test
  void slackIsWhatTheTaskAnswers() throws ObstructedException {
    FakeTask task = new FakeGroup().leader();

    assertThat(kind.checkpoint(task, answers(kind.questions(task), value(123456)))).contains(sample());
  }

  @Test
  void slackThatAPolicyForbidsIsNotSet() throws ObstructedException {
    FakeTask task = new FakeGroup().leader();

    assertThat(kind.checkpoint(task, answers(kind.questions(task), value(0)))).isEmpty();
  }
}
