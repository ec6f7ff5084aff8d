package stasis.kinds.task.mempolicy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.resource.Answer;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class MemPolicyTest extends AspectContract<MemPolicy.State> {
  private final MemPolicy kind = new MemPolicy();

  @Override
  protected Kind<MemPolicy.State> kind() {
    return kind;
  }

  @Override
  protected MemPolicy.State sample() {
    return new MemPolicy.State(3 | 1 << 15, Bytes.zeros(128).withU64(0, 3));
  }

  @Test
  void policyIsWhatTheTaskAnswers() throws ObstructedException {
    FakeTask task = new FakeGroup().leader();
    Answer interleave = new Answer(0,
        Map.of(0, Bytes.ofU32(3 | 1 << 15), 1, Bytes.zeros(128).withU64(0, 3)));

    assertThat(kind.checkpoint(task, answers(kind.questions(task), interleave))).contains(sample());
  }

  @Test
  void policyWithoutNodesIsSetWithoutAMask() {
    assertThat(explain(new MemPolicy.State(4, Bytes.zeros(128)))).contains("set_mempolicy(4, 0, 0)");
  }

  @Test
  void kernelWithoutNumaHasNoPolicy() throws ObstructedException {
    FakeTask task = new FakeGroup().leader();

    assertThat(kind.checkpoint(task, answers(kind.questions(task), failure(Errno.ENOSYS)))).isEmpty();
  }
}
