package stasis.kinds.group.autogroup;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class AutoGroupTest extends AspectContract<AutoGroup.State> {
  private final AutoGroup kind = new AutoGroup();

  @Override
  protected Kind<AutoGroup.State> kind() {
    return kind;
  }

  @Override
  protected AutoGroup.State sample() {
    return new AutoGroup.State(-3);
  }

  private static FakeGroup withAutogroup(int session, String text) {
    FakeGroup group = new FakeGroup().file("autogroup", text);
    group.leader().stat(6, session);
    return group;
  }

  @Test
  void onlyTheLeaderOfASessionCarriesIt() throws ObstructedException {
    assertThat(kind.checkpoint(withAutogroup(4711, "/autogroup-13 nice -3\n"), noAnswers())).contains(sample());
    assertThat(kind.checkpoint(withAutogroup(1, "/autogroup-13 nice -3\n"), noAnswers())).isEmpty();
  }

  @Test
  void niceOfANewSessionIsNotWritten() throws ObstructedException {
    assertThat(kind.checkpoint(withAutogroup(4711, "/autogroup-13 nice 0\n"), noAnswers())).isEmpty();
    assertThat(kind.checkpoint(withAutogroup(4711, ""), noAnswers())).isEmpty();
  }
}
