package stasis.kinds.group.posixtimers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.resource.Kind;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;

class PosixTimersTest extends AspectContract<PosixTimers.State> {
  private final PosixTimers kind = new PosixTimers();

  @Override
  protected Kind<PosixTimers.State> kind() {
    return kind;
  }

  @Override
  protected PosixTimers.State sample() {
    return new PosixTimers.State(List.of(
        new PosixTimers.Timer(3, 0, 1, 0, 0, Optional.empty(), 0, 0),
        new PosixTimers.Timer(7, 1, 4, 34, 0x1234, Optional.of(new ObjectId(2)), 1_500_000_000L, 250_000_000L)),
        false);
  }

  private static final String TWO = """
      ID: 7
      signal: 34/0000000000001234
      notify: signal/tid.4712
      ClockID: 1
      ID: 3
      signal: 0/0000000000000000
      notify: none/pid.4711
      ClockID: 0
      """;

  @Test
  void timersAreKeptByIdWithWhatTheyHaveLeft() throws ObstructedException {
    FakeGroup group = new FakeGroup().file("timers", TWO);
    group.thread();

    assertThat(kind.checkpoint(group, answers(kind.questions(group), output(1, Bytes.zeros(32)),
        output(1, Bytes.ofU64(1, 500_000_000, 0, 250_000_000)), value(0)))).contains(sample());
  }

  @Test
  void groupWithoutTimersIsAskedNothing() throws ObstructedException {
    FakeGroup group = new FakeGroup().file("timers", "");

    assertThat(kind.questions(group)).isEmpty();
    assertThat(kind.checkpoint(group, noAnswers())).isEmpty();
  }

  @Test
  void whereNoKernelWouldGiveTheIdsAgainTimersAreRefused() {
    FakeGroup group = new FakeGroup().file("timers", TWO);
    group.thread();

    assertThatThrownBy(() -> kind.checkpoint(group, answers(kind.questions(group), output(1, Bytes.zeros(32)),
        output(1, Bytes.zeros(32)), value(-Errno.EINVAL.number())))).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("cannot give them their ids");
  }

  @Test
  void timerOnTheCpuTimeOfAThreadNobodyNamesIsRefused() {
    FakeGroup group = new FakeGroup().file("timers",
        "ID: 61\nsignal: 40/0000000000001234\nnotify: signal/pid.4711\nClockID: -2\n");
    group.thread();

    assertThatThrownBy(() -> kind.checkpoint(group,
        answers(kind.questions(group), output(1, Bytes.zeros(32)), value(0))))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("timer 61");
  }

  @Test
  void timerThatSignalsAThreadThatIsGoneIsRefused() {
    FakeGroup group = new FakeGroup().file("timers", TWO);

    assertThatThrownBy(() -> kind.checkpoint(group, answers(kind.questions(group), output(1, Bytes.zeros(32)),
        output(1, Bytes.zeros(32)), value(0)))).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("timer 7");
  }

  @Test
  void oneShotOfTheMonotonicClockIsExact() {
    PosixTimers.Timer timer = new PosixTimers.Timer(0, 1, 0, 14, 0, Optional.empty(), 0, 5);

    assertThat(kind.losses(new PosixTimers.State(List.of(timer), false))).isEmpty();
  }

  @Test
  void overrunsAndTimesOfDayAreTold() {
    PosixTimers.Timer timer = new PosixTimers.Timer(0, 0, 0, 14, 0, Optional.empty(), 9, 5);

    assertThat(kind.losses(new PosixTimers.State(List.of(timer), false))).extracting(Loss::detail)
        .anyMatch(detail -> detail.contains("overrun")).anyMatch(detail -> detail.contains("TIMER_ABSTIME"));
  }
}
