package stasis.kinds.task.userdispatch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;
import stasis.resource.UserDispatch;

class UserDispatchOffTest extends AspectContract<UserDispatchOff.State> {
  private final UserDispatchOff kind = new UserDispatchOff();

  @Override
  protected Kind<UserDispatchOff.State> kind() {
    return kind;
  }

  @Override
  protected UserDispatchOff.State sample() {
    return new UserDispatchOff.State(false);
  }

  @Override
  protected boolean isStored() {
    return false;
  }

  @Test
  void taskWithDispatchOnIsRefusedByName() {
    FakeTask task = new FakeGroup().leader()
        .dispatch(new UserDispatch(new RemoteAddress(0x1000), new RemoteAddress(0x2000), 64));

    assertThatThrownBy(() -> kind.checkpoint(task, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("syscall user dispatch").hasMessageContaining("1000");
  }

  @Test
  void ordinaryTaskHasNoState() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup().leader(), noAnswers())).isEmpty();
  }
}
