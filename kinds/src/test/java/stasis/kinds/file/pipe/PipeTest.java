package stasis.kinds.file.pipe;

import static org.assertj.core.api.Assertions.assertThat;

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

class PipeTest extends AspectContract<Pipe.State> {
  private final Pipe kind = new Pipe();

  @Override
  protected Kind<Pipe.State> kind() {
    return kind;
  }

  @Override
  protected Pipe.State sample() {
    return new Pipe.State(new ObjectId(9), 04001);
  }

  private static FakeOpenFile end(String flags) {
    return new FakeOpenFile("pipe:[7]", FileStat.S_IFIFO | 0600, 1, flags);
  }

  @Test
  void pipeIsInsideWithBothEndsOrAClosedOne() {
    assertThat(kind.recognises(end("00").with(end("01")))).isTrue();
    assertThat(kind.recognises(end("00"))).isFalse();
    FakeOpenFile hungUp = end("00").answering(Nr.EPOLL_CREATE1, value(8)).answering(Nr.EPOLL_CTL, value(0))
        .answering(Nr.EPOLL_PWAIT, new Answer(1, Map.of(1, Bytes.ofU32(0x10, 0, 0, 0)))).answering(Nr.CLOSE, value(0));
    assertThat(kind.recognises(hungUp)).isTrue();
  }

  @Test
  void pipeSharedWithAnOutsiderIsNot() {
    assertThat(kind.recognises(end("00").with(end("01")).heldElsewhere())).isFalse();
  }
}
