package stasis.kinds.task.scheduling;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.Kind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;

class SchedulingTest extends AspectContract<Scheduling.State> {
  private final Scheduling kind = new Scheduling();

  @Override
  protected Kind<Scheduling.State> kind() {
    return kind;
  }

  @Override
  protected Scheduling.State sample() {
    return new Scheduling.State(6, 1, 5, 0, 10_000_000, 50_000_000, 50_000_000, false, 0, 0, Bytes.ofU64(3));
  }

  private static Bytes attr(int policy, int nice, int priority, long runtimeNs) {
    return Bytes.ofU32(56, policy).concat(Bytes.ofU64(0)).concat(Bytes.ofU32(nice, priority))
        .concat(Bytes.ofU64(runtimeNs, 0, 0)).concat(Bytes.ofU32(0, 0));
  }

  private static FakeTask task(Bytes attr, int nice) {
    return new FakeGroup().leader().stat(19, nice)
        .observing(output(1, attr), Nr.SCHED_GETATTR, Arg.imm(4711), Arg.space(56), Arg.imm(56), Arg.imm(0))
        .observing(output(1, attr(0, 0, 0, 1_400_000)), Nr.SCHED_GETATTR, Arg.imm(0), Arg.space(56), Arg.imm(56),
            Arg.imm(0))
        .observing(new Answer(32, Map.of(2, Bytes.ofU64(3).concat(Bytes.zeros(1016)))), Nr.SCHED_GETAFFINITY,
            Arg.imm(4711), Arg.imm(1024), Arg.space(1024));
  }

  @Test
  void sliceThatTheEngineHasTooIsNotTheTasksOwn() throws ObstructedException {
    assertThat(kind.checkpoint(task(attr(0, 5, 0, 1_400_000), 5), noAnswers()))
        .contains(new Scheduling.State(0, 0, 5, 0, 0, 0, 0, false, 0, 0, Bytes.ofU64(3)));
    assertThat(kind.checkpoint(task(attr(0, 5, 0, 9_000_000), 5), noAnswers()).orElseThrow().runtimeNs())
        .isEqualTo(9_000_000);
  }

  @Test
  void niceOfARealTimeTaskIsRemembered() throws ObstructedException {
    Scheduling.State state = kind.checkpoint(task(attr(1, 0, 7, 0), 5), noAnswers()).orElseThrow();

    assertThat(state.nice()).isEqualTo(5);
    assertThat(explain(state)).contains("setpriority(0, 0, 5)");
  }

  @Test
  void affinityComesBeforeADeadline() {
    assertThat(explain(sample()).indexOf("sched_setaffinity")).isLessThan(explain(sample()).indexOf("sched_setattr"));
  }

  @Test
  void realTimeAndLowNiceNeedACapability() {
    FakeHost host = new FakeHost();
    Scheduling.State low = new Scheduling.State(0, 0, -5, 0, 0, 0, 0, false, 0, 0, Bytes.ofU64(3));

    assertThat(kind.obstacles(sample(), host)).isNotEmpty();
    assertThat(kind.obstacles(low, host)).singleElement().extracting(Obstacle::reason).asString()
        .contains("nice -5");
    assertThat(kind.obstacles(low, host.capable("CAP_SYS_NICE"))).isEmpty();
  }
}
