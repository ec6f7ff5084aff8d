package stasis.kinds.task.semundo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
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
    return new SemaphoreUndo.State(List.of(), List.of(new SemaphoreUndo.Owed(7, 0, 2),
        new SemaphoreUndo.Owed(7, 3, -1), new SemaphoreUndo.Owed(9, 0, 1)));
  }

  private static HiddenThread hidden(int sharers, HiddenThread.Undo... sets) {
    return new HiddenThread(false, new HiddenThread.Undos(sharers, List.of(sets)), true, Optional.empty(), 0);
  }

  private static HiddenThread.Undo undo(int set, int... adjustments) {
    var shown = new ArrayList<Short>();
    for (int adjustment : adjustments) {
      shown.add((short) adjustment);
    }
    return new HiddenThread.Undo(set, shown);
  }

  private static FakeTask values(FakeTask task, int set, int... values) {
    for (int number = 0; number < values.length; number++) {
      task.observing(value(values[number]), Nr.SEMCTL, Arg.imm(set), Arg.imm(number), Arg.imm(12), Arg.imm(0));
    }
    return task;
  }

  @Test
  void whatIsOwedIsTakenAgain() throws ObstructedException {
    // Behind the last semaphore of the set the kernel's memory says nothing.
    FakeTask task = values(values(new FakeGroup().leader(), 7, 1, 0, 0, 5), 9, 0)
        .hidden(hidden(1, undo(7, 2, 0, 0, -1, 77), undo(9, 1, 99)));
    assertThat(kind.checkpoint(task, noAnswers())).contains(sample());
    assertThat(kind.losses(sample())).isEmpty();
  }

  @Test
  void whatSeveralProcessesOweTogetherMustFitAsWell() {
    FakeGroup group = new FakeGroup();
    group.with(new FakeGroup());
    ((FakeTask) group.tree().getFirst().leader()).hidden(hidden(1, undo(7, -3)));
    FakeTask task = values(group.leader(), 7, 5).hidden(hidden(1, undo(7, -3)));

    assertThatThrownBy(() -> kind.checkpoint(task, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("with other processes of the tree");
  }

  @Test
  void threadsHaveOneListTogether() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    FakeTask thread = group.thread().hidden(hidden(2, undo(9, 1)));
    values(group.leader(), 9, 0).hidden(hidden(2, undo(9, 1)));
    assertThat(kind.checkpoint(group.leader(), noAnswers())).isPresent();
    assertThat(kind.checkpoint(thread, noAnswers())).isEmpty();
  }

  @Test
  void aListThatIsNotTheProcessesIsRefused() {
    FakeTask shared = values(new FakeGroup().leader(), 9, 0).hidden(hidden(2, undo(9, 1)));
    assertThatThrownBy(() -> kind.checkpoint(shared, noAnswers())).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("CLONE_SYSVSEM");
    FakeGroup group = new FakeGroup();
    group.leader().hidden(hidden(0));
    FakeTask own = group.thread().hidden(hidden(2, undo(9, 1)));
    assertThatThrownBy(() -> kind.checkpoint(own, noAnswers())).hasMessageContaining("CLONE_SYSVSEM");
  }

  @Test
  void whatTheEndCannotGiveBackWholeIsRefused() {
    FakeTask low = values(new FakeGroup().leader(), 9, 1).hidden(hidden(1, undo(9, -2)));
    assertThatThrownBy(() -> kind.checkpoint(low, noAnswers())).hasMessageContaining("-2 to 1");
    FakeTask large = values(new FakeGroup().leader(), 9, 1, 1).hidden(hidden(1, undo(9, 1)));
    assertThatThrownBy(() -> kind.checkpoint(large, noAnswers())).hasMessageContaining("more than 1 semaphores");
    FakeTask unseen = new FakeGroup().leader().hidden(hidden(1, undo(9, 1)));
    assertThatThrownBy(() -> kind.checkpoint(unseen, noAnswers())).hasMessageContaining("cannot be read");
  }

  @Test
  void taskWithoutIsFine() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup().leader().hidden(hidden(0)), noAnswers())).isEmpty();
  }

  @Test
  void whereTheKernelCannotBeReadASetTheTaskUsedLastIsTold() throws ObstructedException {
    FakeTask task = new FakeGroup().leader()
        .observing(value(0), Nr.SEMCTL, Arg.imm(0), Arg.imm(0), Arg.imm(19), Arg.space(256))
        .observing(value(7), Nr.SEMCTL, Arg.imm(0), Arg.imm(0), Arg.imm(18), Arg.space(256))
        .observing(value(1), Nr.SEMCTL, Arg.imm(7), Arg.imm(0), Arg.imm(11), Arg.imm(0))
        .observing(value(4711), Nr.SEMCTL, Arg.imm(7), Arg.imm(1), Arg.imm(11), Arg.imm(0));

    var used = new SemaphoreUndo.State(List.of(7), List.of());
    assertThat(kind.checkpoint(task, noAnswers())).contains(used);
    assertThat(kind.losses(used)).singleElement().extracting(Loss::detail).asString().contains("set 7");
  }

  @Test
  void machineWithoutSemaphoresHasNone() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup().leader(), noAnswers())).isEmpty();
  }
}
