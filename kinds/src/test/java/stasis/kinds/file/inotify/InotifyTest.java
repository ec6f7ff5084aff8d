package stasis.kinds.file.inotify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class InotifyTest extends AspectContract<Inotify.State> {
  private final Inotify kind = new Inotify();

  @Override
  protected Kind<Inotify.State> kind() {
    return kind;
  }

  @Override
  protected Inotify.State sample() {
    return new Inotify.State(List.of(new Inotify.Watch(2, PathBytes.of("/srv"), 0x100, Optional.empty()),
        new Inotify.Watch(3, PathBytes.of("/srv/gone (deleted)"), 0x2, Optional.of(new ObjectId(40)))), 16, 04002);
  }

  private static final String WATCH = "inotify wd:2 ino:7 sdev:0 mask:100 ignored_mask:0 fhandle-bytes:8 fhandle-type:1"
      + " f_handle:0700000001000000";

  @Test
  void watchedFileIsFoundByItsHandle() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("anon_inode:inotify", 0600, 1, "02004000", WATCH)
        .answering(Nr.OPENAT, value(8)).answering(Nr.OPEN_BY_HANDLE_AT, value(9)).answering(Nr.CLOSE, value(0))
        .answering(Nr.READLINKAT, new Answer(4, Map.of(2, Bytes.cString("/srv"))))
        .answering(Nr.IOCTL, output(2, Bytes.ofU32(16))).reachable();
    file.group().leader().file("mountinfo", "15 1 0:0 / / rw - ext4 /dev/vda rw\n");

    assertThat(kind.checkpoint(file)).isEqualTo(
        new Inotify.State(List.of(new Inotify.Watch(2, PathBytes.of("/srv"), 0x100, Optional.empty())), 16, 04000));
  }

  @Test
  void watchedFileWithoutAPathIsRefused() {
    FakeOpenFile file = new FakeOpenFile("anon_inode:inotify", 0600, 1, "02004000", WATCH);
    file.group().leader().file("mountinfo", "15 1 0:0 / / rw - ext4 /dev/vda rw\n");

    assertThatThrownBy(() -> kind.checkpoint(file)).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("inode 7");
  }

  @Test
  void watchedFileWithoutAPathThatIsOpenIsWatchedThroughThat() throws ObstructedException {
    FakeOpenFile open = new FakeOpenFile("/srv/gone (deleted)",
        new FileStat(Device.NONE, 7, FileStat.S_IFREG, 0, Device.NONE, 0, Instant.EPOCH), "02").as(40);
    FakeOpenFile file = new FakeOpenFile("anon_inode:inotify", 0600, 1, "02004000", WATCH).with(open)
        .answering(Nr.IOCTL, output(2, Bytes.ofU32(0)));
    file.group().leader().file("mountinfo", "15 1 0:0 / / rw - ext4 /dev/vda rw\n");

    assertThat(kind.checkpoint(file).watches()).singleElement().extracting(Inotify.Watch::file)
        .isEqualTo(Optional.of(new ObjectId(40)));
  }

  @Test
  void unreadEventsAreTold() {
    assertThat(kind.losses(sample())).hasSize(1);
    assertThat(kind.losses(new Inotify.State(List.of(), 0, 0))).isEmpty();
  }
}
