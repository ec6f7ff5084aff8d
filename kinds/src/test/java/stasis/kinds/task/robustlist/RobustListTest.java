package stasis.kinds.task.robustlist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Answer;
import stasis.resource.Arg;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class RobustListTest extends AspectContract<RobustList.State> {
  private final RobustList kind = new RobustList();

  @Override
  protected Kind<RobustList.State> kind() {
    return kind;
  }

  @Override
  protected RobustList.State sample() {
    return new RobustList.State(new RemoteAddress(0x7f0000001000L), 24);
  }

  @Test
  void headAndLengthAreReadFromOutside() throws ObstructedException {
    FakeTask task = new FakeGroup().leader().observing(
        new Answer(0, Map.of(1, Bytes.ofU64(0x7f0000001000L), 2, Bytes.ofU64(24))), Nr.GET_ROBUST_LIST,
        Arg.imm(4711), Arg.space(8), Arg.space(8));

    assertThat(kind.checkpoint(task, noAnswers())).contains(sample());
  }

  @Test
  void listThatMayNotBeReadIsAnObstacle() {
    FakeTask task = new FakeGroup().leader().observing(failure(Errno.EPERM), Nr.GET_ROBUST_LIST, Arg.imm(4711),
        Arg.space(8), Arg.space(8));

    assertThatThrownBy(() -> kind.checkpoint(task, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("task 4711").hasMessageContaining("EPERM");
  }
}
