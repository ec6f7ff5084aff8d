package stasis.kinds.task.rseq;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;
import stasis.resource.Rseq;

class RseqAreaTest extends AspectContract<RseqArea.State> {
  private final RseqArea kind = new RseqArea();

  @Override
  protected Kind<RseqArea.State> kind() {
    return kind;
  }

  @Override
  protected RseqArea.State sample() {
    return new RseqArea.State(new RemoteAddress(0x7f0000002000L), 32, 0x53053053);
  }

  @Test
  void threadWithoutRegistrationHasNoState() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup().leader(), noAnswers())).isEmpty();
  }

  @Test
  void registrationIsKept() throws ObstructedException {
    FakeTask task = new FakeGroup().leader().rseq(new Rseq(new RemoteAddress(0x7f0000002000L), 32, 0x53053053));

    assertThat(kind.checkpoint(task, noAnswers())).contains(sample());
  }

  @Test
  void signatureIsPassedUnsigned() {
    assertThat(explain(new RseqArea.State(new RemoteAddress(0x1000), 32, 0xd428bc00)))
        .contains("rseq(0x1000, 0x20, 0, 0xd428bc00)");
  }
}
