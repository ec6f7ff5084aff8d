package stasis.kinds.group.label;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class SecurityLabelTest extends AspectContract<SecurityLabel.State> {
  private final SecurityLabel kind = new SecurityLabel();

  @Override
  protected Kind<SecurityLabel.State> kind() {
    return kind;
  }

  @Override
  protected SecurityLabel.State sample() {
    return new SecurityLabel.State("unconfined");
  }

  @Test
  void sameLabelIsNoLoss() {
    assertThat(kind.losses(sample(), new FakeHost().inheriting("attr/current", "unconfined\n"))).isEmpty();
    assertThat(kind.losses(sample(), new FakeHost().inheriting("attr/current", "jailed (enforce)\n"))).hasSize(1);
  }

  @Test
  void labelEndsAtItsNul() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup().file("attr/current", "unconfined\0"), noAnswers()))
        .contains(sample());
    assertThat(kind.checkpoint(new FakeGroup(), noAnswers())).isEmpty();
  }
}
