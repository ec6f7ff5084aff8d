package stasis.kinds.body.directory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeBody;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class GoneDirectoryTest extends AspectContract<GoneDirectory.State> {
  private final GoneDirectory kind = new GoneDirectory();

  @Override
  protected Kind<GoneDirectory.State> kind() {
    return kind;
  }

  @Override
  protected GoneDirectory.State sample() {
    return new GoneDirectory.State(PathBytes.of("/srv/tree/gone"), 0750, 1000, 7);
  }

  @Test
  void ownerAndModeAreItsOwn() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("/srv/tree/gone (deleted)", FileStat.S_IFDIR | 0750, 0, "0200000")
        .answering(Nr.STATX, new Answer(0, Map.of(4, Bytes.zeros(256).withU32(20, 1000).withU32(24, 7))));

    assertThat(kind.checkpoint(new FakeBody(new ObjectId(9)).open(file))).isEqualTo(sample());
  }

  @Test
  void aDirectoryThatIsAnObjectOfTheKernelIsRefused() {
    FakeOpenFile file = new FakeOpenFile("/sys/fs/cgroup/gone (deleted)", FileStat.S_IFDIR | 0755, 0, "0200000")
        .magic(0x63677270);

    assertThatThrownBy(() -> kind.checkpoint(new FakeBody(new ObjectId(9)).open(file)))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("cgroup");
  }

  @Test
  void aNameThatIsTakenIsTold() {
    assertThat(kind.losses(sample(), new FakeHost().file("/srv/tree/gone", FileStat.S_IFDIR))).hasSize(1);
    assertThat(kind.losses(sample(), new FakeHost())).isEmpty();
  }
}
