package stasis.kinds.file.foreign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.procfs.FileStat;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class ForeignFileTest extends AspectContract<ForeignFile.State> {
  private final ForeignFile kind = new ForeignFile();

  @Override
  protected Kind<ForeignFile.State> kind() {
    return kind;
  }

  @Override
  protected ForeignFile.State sample() {
    return new ForeignFile.State("no kind knows it");
  }

  @Override
  protected boolean isStored() {
    return false;
  }

  @Test
  void everyFileIsRefusedByName() {
    FakeOpenFile ring = new FakeOpenFile("anon_inode:[io_uring]", 0600, 1, "02");
    FakeOpenFile pipe = new FakeOpenFile("pipe:[4711]", FileStat.S_IFIFO | 0600, 1, "01");

    assertThatThrownBy(() -> kind.checkpoint(ring)).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("fd 3 anon_inode:[io_uring]").hasMessageContaining("without io_uring");
    assertThatThrownBy(() -> kind.checkpoint(pipe)).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("other end");
  }

  @Test
  void statefileWithOneIsRefused() {
    assertThat(kind.obstacles(sample(), new FakeHost())).isNotEmpty();
  }
}
