package stasis.kinds.file.path;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class PathOnlyTest extends AspectContract<PathOnly.State> {
  private final PathOnly kind = new PathOnly();

  @Override
  protected Kind<PathOnly.State> kind() {
    return kind;
  }

  @Override
  protected PathOnly.State sample() {
    return new PathOnly.State(PathBytes.of("/srv/link"), 010000000, FileStat.S_IFLNK);
  }

  @Test
  void symlinkItselfIsHeld() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("/srv/link", FileStat.S_IFLNK | 0777, 1, "012400000").reachable();

    assertThat(kind.recognises(file)).isTrue();
    assertThat(kind.checkpoint(file).type()).isEqualTo(FileStat.S_IFLNK);
  }

  @Test
  void whatIsGoneIsRefused() {
    FakeOpenFile file = new FakeOpenFile("/srv/gone (deleted)", FileStat.S_IFREG, 0, "010000000");

    assertThatThrownBy(() -> kind.checkpoint(file)).isInstanceOf(ObstructedException.class);
  }

  @Test
  void anotherTypeOfFileThereIsRefused() {
    assertThat(kind.obstacles(sample(), new FakeHost().file("/srv/link", FileStat.S_IFREG))).isNotEmpty();
    assertThat(kind.obstacles(sample(), new FakeHost().file("/srv/link", FileStat.S_IFLNK))).isEmpty();
  }
}
