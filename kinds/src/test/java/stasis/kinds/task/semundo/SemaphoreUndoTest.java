package stasis.kinds.task.semundo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.HiddenThread;
import stasis.resource.Kind;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;

class SemaphoreUndoTest extends AspectContract<SemaphoreUndo.State> {
  private final SemaphoreUndo kind = new SemaphoreUndo();

  @Override
  protected Kind<SemaphoreUndo.State> kind() {
    return kind;
  }

  @Override
  protected SemaphoreUndo.State sample() {
    return new SemaphoreUndo.State(List.of(7));
  }

  @Test
  void taskWithUndosIsRefused() {
    FakeTask task = new FakeGroup().leader().hidden(new HiddenThread(false, 2, true, Optional.empty()));

    assertThatThrownBy(() -> kind.checkpoint(task, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("2 sets of semaphores");
  }

  @Test
  void taskWithoutIsFine() throws ObstructedException {
    var nothing = new HiddenThread(false, 0, true, Optional.empty());

    assertThat(kind.checkpoint(new FakeGroup().leader().hidden(nothing), noAnswers()))
        .isEmpty();
  }

  @Test
  void whereTheKernelCannotBeReadASetTheTaskUsedLastIsTold() throws ObstructedException {
    FakeTask task = new FakeGroup().leader()
        .observing(value(0), Nr.SEMCTL, Arg.imm(0), Arg.imm(0), Arg.imm(19), Arg.space(256))
        .observing(value(7), Nr.SEMCTL, Arg.imm(0), Arg.imm(0), Arg.imm(18), Arg.space(256))
        .observing(value(1), Nr.SEMCTL, Arg.imm(7), Arg.imm(0), Arg.imm(11), Arg.imm(0))
        .observing(value(4711), Nr.SEMCTL, Arg.imm(7), Arg.imm(1), Arg.imm(11), Arg.imm(0));

    assertThat(kind.checkpoint(task, noAnswers())).contains(sample());
    assertThat(kind.losses(sample())).singleElement().extracting(Loss::detail).asString().contains("set 7");
  }

  @Test
  void machineWithoutSemaphoresHasNone() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup().leader(), noAnswers())).isEmpty();
  }
}
