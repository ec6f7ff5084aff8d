package stasis.kinds.file.epoll;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Fd;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class EpollTest extends AspectContract<Epoll.State> {
  private final Epoll kind = new Epoll();

  @Override
  protected Kind<Epoll.State> kind() {
    return kind;
  }

  @Override
  protected Epoll.State sample() {
    return new Epoll.State(List.of(
        new Epoll.Watch(new Fd(5), false, new ObjectId(31), 0x80000019, 0x1122334455667788L, false),
        new Epoll.Watch(new Fd(90), true, new ObjectId(32), 0x40000019, 90, false),
        new Epoll.Watch(new Fd(91), false, new ObjectId(33), 0x19, 91, true)), 2);
  }

  private static final String TFD = "tfd:        5 events:       19 data:                5  pos:0 ino:7 sdev:e";

  @Test
  void watchesAreThoseOfFdinfo() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("anon_inode:[eventpoll]", 0600, 1, "02000002", TFD).table(5, 31);

    assertThat(kind.checkpoint(file)).isEqualTo(
        new Epoll.State(List.of(new Epoll.Watch(new Fd(5), false, new ObjectId(31), 0x19, 5, false)), 2));
  }

  @Test
  void watchOfAFileThatNoFdLeadsToIsRefused() {
    FakeOpenFile file = new FakeOpenFile("anon_inode:[eventpoll]", 0600, 1, "02000002", TFD);

    assertThatThrownBy(() -> kind.checkpoint(file)).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("fd 5");
  }

  @Test
  void edgeTriggeredAndFiredWatchesAreApproximate() {
    assertThat(kind.losses(sample())).hasSize(1);
    assertThat(kind.losses(new Epoll.State(
        List.of(new Epoll.Watch(new Fd(5), false, new ObjectId(31), 0x40000000, 5, false)), 2))).hasSize(1);
  }

  @Test
  void onlyWhatAFiredWatchIsGivenAgainMayDifferInACopy() {
    assertThat(kind.agreed(watching(0x40000000), watching(0x40000018))).isEqualTo(watching(0x40000000));
    assertThat(kind.agreed(watching(0x40000000), watching(0x40000019))).isEqualTo(watching(0x40000001));
    assertThat(kind.agreed(watching(0x40000019), watching(0x40000001))).isEqualTo(watching(0x40000001));
  }

  private static Epoll.State watching(int events) {
    return new Epoll.State(List.of(new Epoll.Watch(new Fd(5), false, new ObjectId(31), events, 5, false)), 2);
  }
}
