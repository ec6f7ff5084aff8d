package stasis.kinds.group.oomscore;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeHost;
import stasis.resource.Kind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;

class OomScoreTest extends AspectContract<OomScore.State> {
  private final OomScore kind = new OomScore();

  @Override
  protected Kind<OomScore.State> kind() {
    return kind;
  }

  @Override
  protected OomScore.State sample() {
    return new OomScore.State(-17);
  }

  @Test
  void adjustmentIsReadFromItsFile() throws ObstructedException {
    assertThat(kind.checkpoint(new FakeGroup().file("oom_score_adj", "-17\n"), noAnswers())).contains(sample());
  }

  @Test
  void loweringItNeedsACapability() {
    assertThat(kind.obstacles(sample(), new FakeHost())).singleElement().extracting(Obstacle::reason).asString()
        .contains("-17");
    assertThat(kind.obstacles(sample(), new FakeHost().inheriting("oom_score_adj", "-17\n"))).isEmpty();
    assertThat(kind.obstacles(sample(), new FakeHost().capable("CAP_SYS_RESOURCE"))).isEmpty();
  }
}
