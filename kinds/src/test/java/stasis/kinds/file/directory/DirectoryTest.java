package stasis.kinds.file.directory;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class DirectoryTest extends AspectContract<Directory.State> {
  private final Directory kind = new Directory();

  @Override
  protected Kind<Directory.State> kind() {
    return kind;
  }

  @Override
  protected Directory.State sample() {
    return new Directory.State(PathBytes.of("/srv"), 0300000, 77, true, List.of(), Optional.empty());
  }

  @Test
  void positionOfAnUnknownFileSystemIsTold() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("/srv", FileStat.S_IFDIR | 0755, 2, "0300000").reachable();

    assertThat(kind.losses(kind.checkpoint(file))).isEmpty();
    assertThat(kind.losses(sample())).isEmpty();
    Directory.State halfRead = new Directory.State(PathBytes.of("/srv"), 0, 77, false, List.of(), Optional.empty());
    assertThat(kind.losses(halfRead)).hasSize(1);
  }

  @Test
  void deletedDirectoryIsABodyOfItsOwn() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("/srv/gone (deleted)", FileStat.S_IFDIR | 0755, 0, "0300000");

    Directory.State state = kind.checkpoint(file);

    assertThat(kind.needs(state)).containsExactly(new stasis.image.ObjectId(2000));
    assertThat(kind.obstacles(state, new stasis.kinds.fake.FakeHost())).isEmpty();
  }

  @Test
  void directoryMustBeThere() {
    assertThat(kind.obstacles(sample(), new FakeHost())).isNotEmpty();
    assertThat(kind.obstacles(sample(), new FakeHost().file("/srv", FileStat.S_IFREG))).isNotEmpty();
    assertThat(kind.obstacles(sample(), new FakeHost().file("/srv", FileStat.S_IFDIR))).isEmpty();
  }
}
