package stasis.kinds.file.fanotify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.file.fanotify.Fanotify.Mark;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class FanotifyTest extends AspectContract<Fanotify.State> {
  private static final String GROUP = "fanotify flags:12 event-flags:8000";
  private final Fanotify kind = new Fanotify();

  @Override
  protected Kind<Fanotify.State> kind() {
    return kind;
  }

  @Override
  protected Fanotify.State sample() {
    return new Fanotify.State(0x12, 0x8000, 04002, List.of(new Mark(PathBytes.of("/srv"), 0x50, 0x40000020L, 0x3),
        new Mark(PathBytes.of("/data"), 0x100, 0x2, 0)), 24);
  }

  private static FakeOpenFile group(String... lines) {
    FakeOpenFile file = new FakeOpenFile("anon_inode:[fanotify]", 0600, 1, "04002", lines)
        .answering(Nr.IOCTL, output(2, Bytes.ofU32(24)));
    file.group().leader().file("mountinfo",
        "18 1 0:40 / /srv rw - tmpfs none rw\n25 1 0:41 / /data rw - tmpfs none rw\n");
    return file;
  }

  @Test
  void marksOnMountsAndFileSystemsAreNamedByTheirMountPoints() throws ObstructedException {
    assertThat(kind.checkpoint(group(GROUP, "fanotify mnt_id:12 mflags:40 mask:40000020 ignored_mask:3",
        "fanotify sdev:29 mflags:0 mask:2 ignored_mask:0"))).isEqualTo(sample());
  }

  @Test
  void aGroupThatIsAskedForPermissionIsRefused() {
    assertThatThrownBy(() -> kind.checkpoint(group(GROUP, "fanotify mnt_id:12 mflags:0 mask:10000 ignored_mask:0")))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("permission");
  }

  @Test
  void aMarkThatNoPathLeadsToIsRefused() {
    assertThatThrownBy(() -> kind.checkpoint(group(GROUP, "fanotify mnt_id:77 mflags:0 mask:2 ignored_mask:0")))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("mark");
  }

  @Test
  void unreadEventsAndTheGapAreTold() {
    assertThat(kind.losses(sample())).hasSize(2);
    assertThat(kind.obstacles(sample(), new FakeHost().file("/srv", FileStat.S_IFDIR))).hasSize(1);
  }
}
