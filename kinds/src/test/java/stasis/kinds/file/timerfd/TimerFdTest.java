package stasis.kinds.file.timerfd;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class TimerFdTest extends AspectContract<TimerFd.State> {
  private final TimerFd kind = new TimerFd();

  @Override
  protected Kind<TimerFd.State> kind() {
    return kind;
  }

  @Override
  protected TimerFd.State sample() {
    return new TimerFd.State(1, 2, 0, 1_500_000_000, 50_000_000, Optional.empty(), 04002);
  }

  private static FakeOpenFile timer(int clock, int ticks, String flags, String value, String interval) {
    return new FakeOpenFile("anon_inode:[timerfd]", 0600, 1, "02004002", "clockid: " + clock, "ticks: " + ticks,
        "settime flags: " + flags, "it_value: " + value, "it_interval: " + interval);
  }

  @Test
  void timeLeftIsKept() throws ObstructedException {
    assertThat(kind.checkpoint(timer(1, 2, "00", "(1, 500000000)", "(0, 50000000)"))).isEqualTo(sample());
    assertThat(kind.losses(sample())).isEmpty();
  }

  @Test
  void disarmedTimerIsNotSet() {
    assertThat(explain(new TimerFd.State(1, 0, 0, 0, 50, Optional.empty(), 2))).hasLineCount(1);
  }

  @Test
  void dueAndUnreadPeriodIsDueAgain() throws ObstructedException {
    TimerFd.State state = kind.checkpoint(timer(1, 1, "00", "(0, 0)", "(0, 50000000)"));

    assertThat(explain(state)).contains("timerfd_settime", "ioctl");
    assertThat(kind.losses(state)).hasSize(1);
  }

  /// Its interrupt has not come yet: it looks like one that is disarmed.
  @Test
  void oneThatIsDueAtTheVeryMomentIsNotDisarmed() throws ObstructedException {
    FakeOpenFile periodic = timer(1, 0, "00", "(0, 0)", "(0, 50000000)")
        .becoming(timer(1, 1, "00", "(0, 0)", "(0, 50000000)"));
    FakeOpenFile once = timer(1, 0, "00", "(0, 0)", "(0, 0)").becoming(timer(1, 1, "00", "(0, 0)", "(0, 0)"));

    assertThat(kind.checkpoint(periodic).isDueAgain()).isTrue();
    assertThat(kind.checkpoint(once).ticks()).isEqualTo(1);
  }

  /// fdinfo shows the time from before it expired and the expirations from after that.
  @Test
  void oneThatExpiresWhileItIsLookedAtCountsOnce() throws ObstructedException {
    FakeOpenFile periodic = timer(1, 1, "00", "(0, 4000)", "(0, 50000000)")
        .becoming(timer(1, 1, "00", "(0, 0)", "(0, 50000000)"));

    assertThat(kind.checkpoint(periodic)).isEqualTo(new TimerFd.State(1, 1, 0, 0, 50_000_000, Optional.empty(), 04002));
  }

  @Test
  void timeOfDayStaysOne() throws ObstructedException {
    FakeOpenFile file = timer(0, 0, "03", "(5, 0)", "(0, 0)")
        .answering(Nr.CLOCK_GETTIME, new Answer(0, Map.of(1, Bytes.ofU64(1000, 7))));

    assertThat(kind.checkpoint(file).atNs()).contains(1005_000_000_007L);
  }
}
