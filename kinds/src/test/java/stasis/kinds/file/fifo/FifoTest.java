package stasis.kinds.file.fifo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class FifoTest extends AspectContract<Fifo.State> {
  private final Fifo kind = new Fifo();

  @Override
  protected Kind<Fifo.State> kind() {
    return kind;
  }

  @Override
  protected Fifo.State sample() {
    return new Fifo.State(new ObjectId(9), 0100000, true);
  }

  private static FakeOpenFile end(String flags) {
    return new FakeOpenFile("/run/control", FileStat.S_IFIFO | 0600, 1, flags);
  }

  @Test
  void oneEndAloneIsEnoughButNobodyElseMayHaveIt() {
    assertThat(kind.recognises(end("0100000"))).isTrue();
    assertThat(kind.recognises(end("0100000").heldElsewhere())).isFalse();
    assertThat(kind.recognises(end("010000000"))).as("O_PATH").isFalse();
    assertThat(kind.recognises(new FakeOpenFile("pipe:[7]", FileStat.S_IFIFO | 0600, 1, "00"))).isFalse();
  }

  @Test
  void beingHungUpOnIsSeenByPoll() throws ObstructedException {
    FakeOpenFile hungUp = end("0100000").answering(Nr.EPOLL_CREATE1, value(8)).answering(Nr.EPOLL_CTL, value(0))
        .answering(Nr.EPOLL_PWAIT, new Answer(1, Map.of(1, Bytes.ofU32(0x10, 0, 0, 0)))).answering(Nr.CLOSE, value(0));

    assertThat(kind.checkpoint(hungUp).hungUp()).isTrue();
    assertThat(kind.checkpoint(end("0100000")).hungUp()).isFalse();
  }

  @Test
  void noFollowIsRefused() {
    assertThatThrownBy(() -> kind.checkpoint(end("0500000"))).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("O_NOFOLLOW");
  }
}
