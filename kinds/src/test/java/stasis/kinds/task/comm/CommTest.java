package stasis.kinds.task.comm;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Bytes;
import stasis.resource.Kind;

class CommTest extends AspectContract<Comm.State> {
  private final Comm kind = new Comm();

  @Override
  protected Kind<Comm.State> kind() {
    return kind;
  }

  @Override
  protected Comm.State sample() {
    return new Comm.State(Bytes.of(new byte[] {'w', 'o', 'r', 'k'}));
  }

  @Test
  void whateverTheNameHoldsIsKept() {
    FakeTask task = new FakeGroup().leader().comm("a\nb) (c");

    assertThat(kind.checkpoint(task, noAnswers())).contains(new Comm.State(Bytes.hex("610a6229202863")));
  }

  @Test
  void nameThatFillsTheKernelsFieldIsWrittenWithItsNul() {
    assertThat(explain(new Comm.State(Bytes.hex("616161616161616161616161616161"))))
        .contains("prctl(0xf, &61616161616161616161616161616100)");
  }
}
