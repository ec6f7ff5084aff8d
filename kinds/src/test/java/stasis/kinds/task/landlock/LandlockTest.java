package stasis.kinds.task.landlock;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.resource.HiddenThread;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class LandlockTest extends AspectContract<Landlock.State> {
  private final Landlock kind = new Landlock();

  @Override
  protected Kind<Landlock.State> kind() {
    return kind;
  }

  @Override
  protected Landlock.State sample() {
    return new Landlock.State(true);
  }

  private static FakeTask task(Optional<Boolean> landlocked) {
    return new FakeGroup().leader().hidden(new HiddenThread(false, HiddenThread.Undos.NONE, true, landlocked, 0));
  }

  @Test
  void taskUnderLandlockIsRefused() {
    assertThatThrownBy(() -> kind.checkpoint(task(Optional.of(true)), noAnswers()))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("Landlock");
  }

  @Test
  void taskThatIsNotLeavesNothing() throws ObstructedException {
    assertThat(kind.checkpoint(task(Optional.of(false)), noAnswers())).isEmpty();
  }

  @Test
  void whereNothingIsSeenATaskThatCannotHaveADomainLeavesNothing() throws ObstructedException {
    assertThat(kind.checkpoint(task(Optional.empty()), noAnswers())).isEmpty();
  }

  @Test
  void taskThatMayHaveADomainIsTold() {
    assertThat(kind.losses(new Landlock.State(true))).singleElement()
        .satisfies(loss -> assertThat(loss.remedy()).contains("root"));
  }
}
