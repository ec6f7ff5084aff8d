package stasis.kinds.task.altstack;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class AltStackTest extends AspectContract<AltStack.State> {
  private final AltStack kind = new AltStack();

  @Override
  protected Kind<AltStack.State> kind() {
    return kind;
  }

  @Override
  protected AltStack.State sample() {
    return new AltStack.State(new RemoteAddress(0x7f0000010000L), 16384, 1 << 31);
  }

  @Test
  void beingOnTheStackIsNoPartOfTheState() throws ObstructedException {
    FakeTask task = new FakeGroup().leader();
    Bytes onStack = Bytes.ofU64(0x7f0000010000L, 0x80000001L, 16384);

    assertThat(kind.checkpoint(task, answers(kind.questions(task), output(1, onStack)))).contains(sample());
  }

  @Test
  void threadWithoutOneIsGivenNone() throws ObstructedException {
    FakeTask task = new FakeGroup().leader();

    AltStack.State state = kind.checkpoint(task,
        answers(kind.questions(task), output(1, Bytes.ofU64(0, 2, 0)))).orElseThrow();

    assertThat(explain(state)).contains("sigaltstack(&000000000000000002000000");
  }
}
