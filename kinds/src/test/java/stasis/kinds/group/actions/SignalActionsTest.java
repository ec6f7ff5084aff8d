package stasis.kinds.group.actions;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.linux.abi.SigSet;
import stasis.resource.Answer;
import stasis.resource.Answers;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;
import stasis.resource.Question;

class SignalActionsTest extends AspectContract<SignalActions.State> {
  private final SignalActions kind = new SignalActions();

  @Override
  protected Kind<SignalActions.State> kind() {
    return kind;
  }

  @Override
  protected SignalActions.State sample() {
    return new SignalActions.State(List.of(
        new SignalActions.Action(2, new RemoteAddress(0x401000), 0x14000004L, new RemoteAddress(0x402000),
            new SigSet(0xff)), new SignalActions.Action(17, new RemoteAddress(0), 2, new RemoteAddress(0),
            new SigSet(0))));
  }

  @Test
  void everySignalThatCanBeSetIsAskedForAndKept() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    Map<Question, Answer> given = new java.util.HashMap<>();
    for (Question question : kind.questions(group)) {
      given.put(question, output(2, Bytes.ofU64(1, 2, 3, 4)));
    }

    SignalActions.State state = kind.checkpoint(group, new Answers(given)).orElseThrow();

    assertThat(state.actions()).hasSize(62).extracting(SignalActions.Action::signal).doesNotContain(9, 19)
        .contains(1, 32, 64);
    assertThat(state.actions().getFirst()).isEqualTo(new SignalActions.Action(1, new RemoteAddress(1), 2,
        new RemoteAddress(3), new SigSet(4)));
  }
}
