package stasis.kinds.group.loginuid;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class LoginUidTest extends AspectContract<LoginUid.State> {
  private final LoginUid kind = new LoginUid();

  @Override
  protected Kind<LoginUid.State> kind() {
    return kind;
  }

  @Override
  protected LoginUid.State sample() {
    return new LoginUid.State("1000");
  }

  @Test
  void sameLoginIsNoLoss() {
    assertThat(kind.losses(sample(), new FakeHost().inheriting("loginuid", "1000"))).isEmpty();
    assertThat(kind.losses(sample(), new FakeHost().inheriting("loginuid", "4294967295"))).hasSize(1);
  }

  @Test
  void onlyWhatIsNotInheritedIsSet() {
    FakeHost host = new FakeHost().inheriting("loginuid", "1000");
    assertThat(kind.isBornWith(sample(), Optional.empty(), host)).isTrue();
    assertThat(kind.isBornWith(sample(), Optional.of(sample()), new FakeHost())).isTrue();
    assertThat(kind.isBornWith(sample(), Optional.of(new LoginUid.State("0")), host)).isFalse();
    assertThat(kind.isBornWith(sample(), Optional.empty(), new FakeHost())).isFalse();
  }

  @Test
  void kernelWithoutAuditHasNoState() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup(), noAnswers())).isEmpty();
    assertThat(kind.checkpoint(new FakeGroup().file("loginuid", "1000"), noAnswers())).contains(sample());
  }
}
