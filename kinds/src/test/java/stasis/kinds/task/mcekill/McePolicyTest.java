package stasis.kinds.task.mcekill;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.resource.Kind;

class McePolicyTest extends AspectContract<McePolicy.State> {
  private final McePolicy kind = new McePolicy();

  @Override
  protected Kind<McePolicy.State> kind() {
    return kind;
  }

  @Override
  protected McePolicy.State sample() {
    return new McePolicy.State(1);
  }

  @Test
  void policyFollowsTheTaskFlags() {
    assertThat(kind.checkpoint(new FakeGroup().leader().stat(9, 0x8400080), noAnswers()))
        .contains(new McePolicy.State(1));
    assertThat(kind.checkpoint(new FakeGroup().leader().stat(9, 0x400080), noAnswers()))
        .contains(new McePolicy.State(0));
    assertThat(kind.checkpoint(new FakeGroup().leader().stat(9, 0x400000), noAnswers()))
        .contains(new McePolicy.State(2));
  }
}
