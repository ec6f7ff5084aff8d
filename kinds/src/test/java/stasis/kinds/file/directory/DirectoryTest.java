package stasis.kinds.file.directory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Fd;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.HiddenWatch;
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
    return new Directory.State(PathBytes.of("/srv"), 0300000, 77, true, List.of(), Optional.empty(),
        List.of(new Directory.Watch(new ObjectId(1), new Fd(3), 0x80000014L)));
  }

  @Test
  void positionOfAnUnknownFileSystemIsTold() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("/srv", FileStat.S_IFDIR | 0755, 2, "0300000").reachable();

    assertThat(kind.losses(kind.checkpoint(file))).isEmpty();
    assertThat(kind.losses(sample())).isEmpty();
    Directory.State halfRead = new Directory.State(PathBytes.of("/srv"), 0, 77, false, List.of(), Optional.empty(),
        List.of());
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

  @Test
  void whoIsToldOfChangesInItIsToldAgain() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("/srv", FileStat.S_IFDIR | 0755, 2, "0300000").reachable()
        .answering(Nr.FCNTL, new Answer(0, Map.of(2, Bytes.ofU32(1, 4711))));
    assertThatThrownBy(() -> kind.checkpoint(file)).hasMessageContaining("F_NOTIFY").hasMessageContaining("CAP_BPF");
    assertThat(kind.checkpoint(file.watched(new HiddenWatch(new ObjectId(1), new Fd(3), 0x28000180))).watches())
        .containsExactly(new Directory.Watch(new ObjectId(1), new Fd(3), 0x80000004L));
  }
}
