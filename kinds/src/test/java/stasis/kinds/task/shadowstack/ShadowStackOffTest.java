package stasis.kinds.task.shadowstack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class ShadowStackOffTest extends AspectContract<ShadowStackOff.State> {
  private final ShadowStackOff kind = new ShadowStackOff();

  @Override
  protected Kind<ShadowStackOff.State> kind() {
    return kind;
  }

  @Override
  protected ShadowStackOff.State sample() {
    return new ShadowStackOff.State(false);
  }

  @Override
  protected boolean isStored() {
    return false;
  }

  @Test
  void shadowStackIsRefusedByName() {
    FakeTask task = new FakeGroup().leader().status("x86_Thread_features", "shstk wrss");

    assertThatThrownBy(() -> kind.checkpoint(task, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("shstk wrss");
  }

  @Test
  void maskedPointersAreRefusedWithTheirMask() {
    FakeTask task = new FakeGroup().leader().status("untag_mask", "0x81ffffffffffffff");

    assertThatThrownBy(() -> kind.checkpoint(task, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("0x81ffffffffffffff");
  }

  @Test
  void ordinaryTaskHasNoState() throws ObstructedException {
    FakeTask task = new FakeGroup().leader().status("x86_Thread_features", "")
        .status("untag_mask", "0xffffffffffffffff");

    assertThat(kind.checkpoint(task, noAnswers())).isEmpty();
  }
}
