package stasis.kinds.file.foreign;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
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
    FakeOpenFile counter = new FakeOpenFile("anon_inode:[perf_event]", 0600, 1, "02");
    FakeOpenFile pipe = new FakeOpenFile("pipe:[4711]", FileStat.S_IFIFO | 0600, 1, "01");

    assertThatThrownBy(() -> kind.checkpoint(counter)).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("fd 3 anon_inode:[perf_event]").hasMessageContaining("stop profiling");
    assertThatThrownBy(() -> kind.checkpoint(pipe)).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("other end");
  }

  private static FakeOpenFile socket(int family, int protocol) {
    return new FakeOpenFile("socket:[4711]", FileStat.S_IFSOCK | 0777, 1, "02")
        .answering(Nr.GETSOCKOPT, output(3, Bytes.ofU32(family)))
        .answering(Nr.GETSOCKOPT, output(3, Bytes.ofU32(protocol)));
  }

  @Test
  void aSocketIsRefusedByFamilyAndProtocol() {
    assertThatThrownBy(() -> kind.checkpoint(socket(2, 262))).hasMessageContaining("Multipath TCP")
        .hasMessageContaining("multipathtcp=0");
    assertThatThrownBy(() -> kind.checkpoint(socket(10, 132))).hasMessageContaining("SCTP");
    assertThatThrownBy(() -> kind.checkpoint(socket(40, 0))).hasMessageContaining("vsock");
    assertThatThrownBy(() -> kind.checkpoint(socket(44, 0))).hasMessageContaining("XDP");
    assertThatThrownBy(() -> kind.checkpoint(socket(16, 0))).hasMessageContaining("netlink");
    assertThatThrownBy(() -> kind.checkpoint(socket(39, 0))).hasMessageContaining("family");
  }

  @Test
  void statefileWithOneIsRefused() {
    assertThat(kind.obstacles(sample(), new FakeHost())).isNotEmpty();
  }
}
