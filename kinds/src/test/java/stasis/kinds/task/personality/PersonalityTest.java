package stasis.kinds.task.personality;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.kinds.fake.FakeTask;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class PersonalityTest extends AspectContract<Personality.State> {
  private final Personality kind = new Personality();

  @Override
  protected Kind<Personality.State> kind() {
    return kind;
  }

  @Override
  protected Personality.State sample() {
    return new Personality.State(0x0040000);
  }

  @Test
  void personalityIsWhatTheTaskAnswers() throws ObstructedException {
    FakeTask task = new FakeGroup().leader();

    assertThat(kind.checkpoint(task, answers(kind.questions(task), value(0x40000)))).contains(sample());
  }

  @Test
  void valueThatOnlyAsksIsRefused() {
    assertThatThrownBy(() -> new Personality.State(-1)).isInstanceOf(IllegalArgumentException.class);
  }
}
