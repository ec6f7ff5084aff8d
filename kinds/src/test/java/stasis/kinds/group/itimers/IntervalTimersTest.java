package stasis.kinds.group.itimers;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.linux.abi.Bytes;
import stasis.resource.Answer;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class IntervalTimersTest extends AspectContract<IntervalTimers.State> {
  private final IntervalTimers kind = new IntervalTimers();

  @Override
  protected Kind<IntervalTimers.State> kind() {
    return kind;
  }

  @Override
  protected IntervalTimers.State sample() {
    return new IntervalTimers.State(List.of(new IntervalTimers.Timer(0, 1_500_000, 250_000),
        new IntervalTimers.Timer(2, 0, 7)));
  }

  @Test
  void disarmedTimersHaveNoState() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    Answer off = output(1, Bytes.zeros(32));

    assertThat(kind.checkpoint(group, answers(kind.questions(group), off, off, off))).isEmpty();
    assertThat(kind.checkpoint(group,
        answers(kind.questions(group), output(1, Bytes.ofU64(1, 500_000, 0, 250_000)), off,
            output(1, Bytes.ofU64(0, 0, 0, 7))))).contains(sample());
  }

  @Test
  void timerWhoseSignalIsStillPendingKeepsItsInterval() {
    assertThat(explain(new IntervalTimers.State(List.of(new IntervalTimers.Timer(0, 2_000_000, 0)))))
        .contains("setitimer(0, &0200000000000000000000000000000000000000000000000100000000000000, 0)");
  }
}
