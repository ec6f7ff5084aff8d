package stasis.kinds.task.semundo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.resource.HiddenThread;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class SemaphoreUndoTest extends AspectContract<SemaphoreUndo.State> {
  private final SemaphoreUndo kind = new SemaphoreUndo();

  @Override
  protected Kind<SemaphoreUndo.State> kind() {
    return kind;
  }

  @Override
  protected SemaphoreUndo.State sample() {
    return new SemaphoreUndo.State(false);
  }

  @Override
  protected boolean isStored() {
    return false;
  }

  @Test
  void taskWithUndosIsRefused() {
    FakeTask task = new FakeGroup().leader().hidden(new HiddenThread(false, 2, true));

    assertThatThrownBy(() -> kind.checkpoint(task, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("2 sets of semaphores");
  }

  @Test
  void taskWithoutIsFine() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup().leader().hidden(new HiddenThread(false, 0, true)), noAnswers()))
        .isEmpty();
    assertThat(kind.checkpoint(new FakeGroup().leader(), noAnswers())).isEmpty();
  }
}
