package stasis.kinds.group.dumpable;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class DumpableTest extends AspectContract<Dumpable.State> {
  private final Dumpable kind = new Dumpable();

  @Override
  protected Kind<Dumpable.State> kind() {
    return kind;
  }

  @Override
  protected Dumpable.State sample() {
    return new Dumpable.State(1);
  }

  @Test
  void modeIsWhatTheTaskAnswers() throws ObstructedException {
    FakeGroup group = new FakeGroup();

    assertThat(kind.checkpoint(group, answers(kind.questions(group), value(1)))).contains(sample());
  }

  @Test
  void modeThatCannotBeSetBecomesTheStricterOneAndIsTold() {
    Dumpable.State forRoot = new Dumpable.State(2);

    assertThat(explain(forRoot)).contains("prctl(4, 0)");
    assertThat(kind.losses(forRoot)).hasSize(1);
    assertThat(kind.losses(sample())).isEmpty();
  }
}
