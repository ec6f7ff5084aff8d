package stasis.kinds.body.fifo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeBody;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Kind;
import stasis.resource.Obstacle;
import stasis.resource.ObstructedException;

class FifoBodyTest extends AspectContract<FifoBody.State> {
  private static final PathBytes PATH = PathBytes.of("/run/control");
  private final FifoBody kind = new FifoBody();

  @Override
  protected Kind<FifoBody.State> kind() {
    return kind;
  }

  @Override
  protected FifoBody.State sample() {
    return new FifoBody.State(PATH, Optional.of(new FifoBody.Deleted(0640, 1000, 1000)), 65536,
        Bytes.cString("in flight"), 1_700_000_000_000_000_007L);
  }

  private static FakeOpenFile end(String flags, int unread) {
    return new FakeOpenFile("/run/control", FileStat.S_IFIFO | 0600, 1, flags).reachable()
        .answering(Nr.FCNTL, value(4096)).answering(Nr.IOCTL, output(2, Bytes.ofU32(unread)))
        .answering(Nr.PIPE2, output(0, Bytes.ofU32(8, 9))).answering(Nr.CLOSE, value(0))
        .answering(Nr.TEE, value(2)).answering(Nr.READ, new Answer(2, Map.of(1, Bytes.cString("ab"))));
  }

  @Test
  void unreadBytesAreCopied() throws ObstructedException {
    FifoBody.State state = kind.checkpoint(new FakeBody(new ObjectId(9)).open(end("0100000", 2)));

    assertThat(state).isEqualTo(new FifoBody.State(PATH, Optional.empty(), 4096, Bytes.cString("ab").slice(0, 2), 0));
  }

  @Test
  void bytesThatNobodyCanReadAreRefused() {
    assertThatThrownBy(() -> kind.checkpoint(new FakeBody(new ObjectId(9)).open(end("0100001", 2))))
        .isInstanceOf(ObstructedException.class)
        .hasMessageContaining("for reading");
  }

  @Test
  void whatIsThereMustStillBeAFifo() {
    FifoBody.State state = new FifoBody.State(PATH, Optional.empty(), 4096, Bytes.EMPTY, 0);
    FakeHost host = new FakeHost();

    assertThat(kind.obstacles(state, host)).singleElement().isInstanceOf(Obstacle.Changed.class);
    assertThat(kind.obstacles(sample(), host)).as("made anew").isEmpty();
  }
}
