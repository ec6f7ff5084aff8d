package stasis.kinds.group.keyrings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.linux.abi.Errno;
import stasis.resource.Kind;
import stasis.resource.Loss;
import stasis.resource.ObstructedException;

class KeyringsTest extends AspectContract<Keyrings.State> {
  private final Keyrings kind = new Keyrings();

  @Override
  protected Kind<Keyrings.State> kind() {
    return kind;
  }

  @Override
  protected Keyrings.State sample() {
    return new Keyrings.State(List.of("process keyring 1234"));
  }

  @Test
  void keyringsAreNamedAsLosses() throws ObstructedException {
    FakeGroup group = new FakeGroup();

    assertThat(kind.checkpoint(group, answers(kind.questions(group), failure(Errno.ENOKEY), value(1234))))
        .contains(sample());
    assertThat(kind.losses(sample())).singleElement().extracting(Loss::detail).asString().contains("1234");
  }

  @Test
  void groupWithoutKeyringsHasNoState() throws ObstructedException {
    FakeGroup group = new FakeGroup();

    assertThat(kind.checkpoint(group,
        answers(kind.questions(group), failure(Errno.ENOKEY), failure(Errno.ENOKEY)))).isEmpty();
  }

  @Test
  void keyringThatHasExpiredIsAnObstacle() {
    FakeGroup group = new FakeGroup();

    assertThatThrownBy(() -> kind.checkpoint(group,
        answers(kind.questions(group), failure(Errno.ENOKEY), failure(Errno.EKEYEXPIRED))))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("EKEYEXPIRED");
  }
}
