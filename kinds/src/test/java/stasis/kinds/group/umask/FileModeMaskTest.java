package stasis.kinds.group.umask;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeGroup;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class FileModeMaskTest extends AspectContract<FileModeMask.State> {
  private final FileModeMask kind = new FileModeMask();

  @Override
  protected Kind<FileModeMask.State> kind() {
    return kind;
  }

  @Override
  protected FileModeMask.State sample() {
    return new FileModeMask.State(0027);
  }

  @Test
  void maskIsReadAsOctal() throws ObstructedException {
    FakeGroup group = new FakeGroup();
    group.leader().status("Umask", "0027");

    assertThat(kind.checkpoint(group, noAnswers())).contains(sample());
  }

  @Test
  void taskThatIsEndingShowsNone() {
    assertThatThrownBy(() -> kind.checkpoint(new FakeGroup(), noAnswers()))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("umask");
  }
}
