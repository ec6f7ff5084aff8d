package stasis.kinds.task.speculation;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.resource.Arg;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;
import stasis.resource.Question;

class SpeculationTest extends AspectContract<Speculation.State> {
  private final Speculation kind = new Speculation();

  @Override
  protected Kind<Speculation.State> kind() {
    return kind;
  }

  @Override
  protected Speculation.State sample() {
    return new Speculation.State(List.of(new Speculation.Control(0, 8), new Speculation.Control(1, 2)));
  }

  @Test
  void onlyWhatTasksControlHereIsAsked() {
    FakeTask task = new FakeGroup().leader().observing(value(2), Nr.PRCTL, Arg.imm(52), Arg.imm(0))
        .observing(value(3), Nr.PRCTL, Arg.imm(52), Arg.imm(1))
        .observing(failure(Errno.ENODEV), Nr.PRCTL, Arg.imm(52), Arg.imm(2));

    assertThat(kind.questions(task)).containsExactly(Question.of(Nr.PRCTL, Arg.imm(52), Arg.imm(1)));
  }

  @Test
  void settingIsKeptWithoutTheBitThatSaysWhoseItIs() throws ObstructedException {
    FakeTask task = new FakeGroup().leader().observing(value(3), Nr.PRCTL, Arg.imm(52), Arg.imm(0))
        .observing(value(3), Nr.PRCTL, Arg.imm(52), Arg.imm(1));

    assertThat(kind.checkpoint(task, answers(kind.questions(task), value(9), value(3)))).contains(sample());
  }

  @Test
  void machineWithoutControlsHasNoState() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup().leader(), noAnswers())).isEmpty();
  }
}
