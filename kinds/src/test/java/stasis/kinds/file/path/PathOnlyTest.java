package stasis.kinds.file.path;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
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
    return new PathOnly.State(PathBytes.of("/srv/link"), 010400000, FileStat.S_IFLNK,
        Optional.of(new PathOnly.Gone(PathBytes.of("there"), 1000, 7)));
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
    var state = new PathOnly.State(PathBytes.of("/srv/link"), 010400000, FileStat.S_IFLNK, Optional.empty());

    assertThat(kind.obstacles(state, new FakeHost().file("/srv/link", FileStat.S_IFREG))).isNotEmpty();
    assertThat(kind.obstacles(state, new FakeHost().file("/srv/link", FileStat.S_IFLNK))).isEmpty();
  }

  @Test
  void aDeletedSymlinkIsMadeAnew() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("/srv/link (deleted)", FileStat.S_IFLNK | 0777, 0, "010400000")
        .answering(Nr.READLINKAT, new Answer(5, Map.of(2, Bytes.cString("there"))))
        .answering(Nr.STATX, new Answer(0, Map.of(4, Bytes.zeros(256).withU32(20, 1000).withU32(24, 7))));

    assertThat(kind.checkpoint(file)).isEqualTo(sample());
    assertThat(kind.obstacles(sample(), new FakeHost())).isEmpty();
    assertThat(kind.losses(sample(), new FakeHost().file("/srv/link", FileStat.S_IFREG))).hasSize(1);
  }
}
