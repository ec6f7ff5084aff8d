package stasis.kinds.group.pending;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.linux.abi.Bytes;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class SharedPendingTest extends AspectContract<SharedPending.State> {
  private final SharedPending kind = new SharedPending();

  @Override
  protected Kind<SharedPending.State> kind() {
    return kind;
  }

  @Override
  protected SharedPending.State sample() {
    return new SharedPending.State(
        List.of(Bytes.zeros(128).withU32(0, 34).withU32(8, -1).withU32(16, 99)));
  }

  @Test
  void siginfosKeepTheirOrder() throws ObstructedException {
    Bytes first = Bytes.zeros(128).withU32(0, 34).withU32(8, -1);
    Bytes second = Bytes.zeros(128).withU32(0, 34).withU32(8, -2);
    FakeGroup group = new FakeGroup().pending(first).pending(second);
    group.leader().status("ShdPnd", "0000000200000000");

    assertThat(kind.checkpoint(group, noAnswers())).contains(new SharedPending.State(List.of(first, second)));
  }

  @Test
  void signalWithoutAQueueEntryIsQueuedAsTheKernelDeliversIt() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    group.leader().status("ShdPnd", "0000000000000200");

    SharedPending.State state = kind.checkpoint(group, noAnswers()).orElseThrow();

    assertThat(state.signals()).containsExactly(Bytes.zeros(128).withU32(0, 10));
  }

  @Test
  void aStopOnItsWayIsNoSignalToQueueAgain() throws ObstructedException {
    FakeGroup group = new FakeGroup().pending(Bytes.zeros(128).withU32(0, 19));
    group.leader().status("ShdPnd", "0000000000040000");

    assertThat(kind.checkpoint(group, noAnswers())).isEmpty();
  }

  @Test
  void groupWithoutPendingSignalsHasNoState() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup(), noAnswers())).isEmpty();
  }

  @Test
  void trapIsRefused() {
    FakeGroup group = new FakeGroup();
    group.leader().status("ShdPnd", "0000000000000010");

    assertThatThrownBy(() -> kind.checkpoint(group, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("SIGTRAP");
  }
}
