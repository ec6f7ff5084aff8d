package stasis.kinds.file.ended;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.resource.Kind;

class EndedPidFdTest extends AspectContract<EndedPidFd.State> {
  private final EndedPidFd kind = new EndedPidFd();

  @Override
  protected Kind<EndedPidFd.State> kind() {
    return kind;
  }

  @Override
  protected EndedPidFd.State sample() {
    return new EndedPidFd.State(new ObjectId(2000), 1);
  }

  private static FakeOpenFile pidfd(int id, String pid) {
    return new FakeOpenFile("anon_inode:[pidfd]", 0100600, 1, "02000002", "Pid:\t" + pid).as(id);
  }

  @Test
  void itIsOneOfThePidfdsOfItsTask() {
    FakeOpenFile file = pidfd(31, "-1").magic(0x50494446).with(pidfd(30, "-1").magic(0x50494446));

    assertThat(kind.recognises(file)).isTrue();
    assertThat(kind.checkpoint(file)).isEqualTo(sample());
  }

  @Test
  void withoutInodesOfTheirOwnEachIsOfATaskOfItsOwn() {
    FakeOpenFile file = pidfd(31, "-1").with(pidfd(30, "-1"));

    assertThat(kind.checkpoint(file)).isEqualTo(new EndedPidFd.State(new ObjectId(2000), 0));
  }

  @Test
  void aTaskThatIsThereIsNotItsMatter() {
    assertThat(kind.recognises(pidfd(30, "4711"))).isFalse();
  }
}
