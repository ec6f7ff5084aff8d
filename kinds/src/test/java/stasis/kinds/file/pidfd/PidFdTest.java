package stasis.kinds.file.pidfd;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class PidFdTest extends AspectContract<PidFd.State> {
  private final PidFd kind = new PidFd();

  @Override
  protected Kind<PidFd.State> kind() {
    return kind;
  }

  @Override
  protected PidFd.State sample() {
    return new PidFd.State(new ObjectId(1), 04000);
  }

  @Test
  void pidfdOfItselfIsKept() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("anon_inode:[pidfd]", 0600, 1, "02004002", "Pid:\t4711", "NSpid:\t4711");

    assertThat(kind.checkpoint(file)).isEqualTo(sample());
  }

  @Test
  void pidfdOfAnotherTaskIsRefused() {
    FakeOpenFile file = new FakeOpenFile("anon_inode:[pidfd]", 0600, 1, "02000002", "Pid:\t1");

    assertThatThrownBy(() -> kind.checkpoint(file)).isInstanceOf(ObstructedException.class);
  }
}
