package stasis.kinds.task.pending;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Bytes;
import stasis.resource.Kind;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;

class PendingTest extends AspectContract<Pending.State> {
  private final Pending kind = new Pending();

  @Override
  protected Kind<Pending.State> kind() {
    return kind;
  }

  @Override
  protected Pending.State sample() {
    return new Pending.State(new ObjectId(1),
        List.of(Bytes.zeros(128).withU32(0, 34).withU32(8, -1).withU32(16, 99)));
  }

  @Test
  void siginfosKeepTheirOrder() throws ObstructedException {
    Bytes first = Bytes.zeros(128).withU32(0, 34).withU32(8, -1);
    Bytes second = Bytes.zeros(128).withU32(0, 34).withU32(8, -2);
    FakeTask task = new FakeGroup().leader().status("SigPnd", "0000000200000000").pending(first).pending(second);

    assertThat(kind.checkpoint(task, noAnswers()))
        .contains(new Pending.State(new ObjectId(1), List.of(first, second)));
  }

  @Test
  void signalWithoutAQueueEntryIsQueuedAsTheKernelDeliversIt() throws ObstructedException {
    FakeTask task = new FakeGroup().leader().status("SigPnd", "0000000000000200");

    Pending.State state = kind.checkpoint(task, noAnswers()).orElseThrow();

    assertThat(state.signals()).containsExactly(Bytes.zeros(128).withU32(0, 10));
  }

  @Test
  void threadQueuesToItselfWithinItsGroup() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    FakeTask thread = group.thread().status("SigPnd", "0000000000000200");

    assertThat(kind.checkpoint(thread, noAnswers()).orElseThrow().leader()).isEqualTo(new ObjectId(1));
  }

  @Test
  void pendingTimerSignalLosesItsOverruns() {
    Bytes timer = Bytes.zeros(128).withU32(0, 14).withU32(8, -2);

    assertThat(kind.losses(new Pending.State(new ObjectId(1), List.of(timer)))).singleElement()
        .extracting(Loss::detail).asString().contains("overrun");
    assertThat(kind.losses(sample())).isEmpty();
  }

  @Test
  void faultThatTheKernelWouldDeliverThoughBlockedIsRefused() {
    Bytes fault = Bytes.zeros(128).withU32(0, 11).withU32(8, 0x80);
    Bytes sent = Bytes.zeros(128).withU32(0, 11);
    FakeTask task = new FakeGroup().leader().status("SigPnd", "0000000000000400");

    assertThatThrownBy(() -> kind.checkpoint(task.pending(fault), noAnswers()))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("signal 11");
    assertThatNoException().isThrownBy(() -> kind.checkpoint(
        new FakeGroup().leader().status("SigPnd", "0000000000000400").pending(sent), noAnswers()));
  }
}
