package stasis.kinds.body.pipe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Errno;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.BodyKey;
import stasis.resource.BodyView;
import stasis.resource.Kind;
import stasis.resource.Mapping;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

class PipeBodyTest extends AspectContract<PipeBody.State> {
  private final PipeBody kind = new PipeBody();

  @Override
  protected Kind<PipeBody.State> kind() {
    return kind;
  }

  @Override
  protected PipeBody.State sample() {
    return new PipeBody.State(65536, Bytes.cString("in flight"), List.of(2, 8));
  }

  private record Ends(List<OpenFile> files) implements BodyView {
    @Override
    public ObjectId id() {
      return new ObjectId(9);
    }

    @Override
    public BodyKey key() {
      return new BodyKey("body.pipe", 0, 7);
    }

    @Override
    public List<Mapping> mappings() {
      return List.of();
    }

    @Override
    public String subject() {
      return files.getFirst().subject();
    }
  }

  private static FakeOpenFile reader(String flags, int unread) {
    return new FakeOpenFile("pipe:[7]", FileStat.S_IFIFO | 0600, 1, flags)
        .answering(Nr.FCNTL, value(4096)).answering(Nr.IOCTL, output(2, Bytes.ofU32(unread)))
        .answering(Nr.PIPE2, output(0, Bytes.ofU32(8, 9))).answering(Nr.CLOSE, value(0))
        .answering(Nr.TEE, value(2)).answering(Nr.READ, new Answer(2, Map.of(1, Bytes.cString("ab"))));
  }

  @Test
  void unreadBytesAreCopied() throws ObstructedException {
    PipeBody.State state = kind.checkpoint(new Ends(List.of(reader("00", 2))));

    assertThat(state).isEqualTo(new PipeBody.State(4096, Bytes.cString("ab").slice(0, 2), List.of()));
  }

  @Test
  void fewerBytesThanItHoldsAreRefused() {
    FakeOpenFile file = reader("00", 3);

    assertThatThrownBy(() -> kind.checkpoint(new Ends(List.of(file.answering(Nr.READ, failure(Errno.EAGAIN))))))
        .isInstanceOf(ObstructedException.class);
  }

  @Test
  void oneUnreadPacketShowsByTheFlagOfTheWriter() throws ObstructedException {
    PipeBody.State state = kind.checkpoint(new Ends(List.of(reader("00", 2), reader("040001", 2))));

    assertThat(state.packets()).containsExactly(2);
  }

  @Test
  void readsThatEndEarlyArePacketsWhoeverWroteThem() throws ObstructedException {
    FakeOpenFile file = new FakeOpenFile("pipe:[7]", FileStat.S_IFIFO | 0600, 1, "00")
        .answering(Nr.FCNTL, value(4096)).answering(Nr.IOCTL, output(2, Bytes.ofU32(3)))
        .answering(Nr.PIPE2, output(0, Bytes.ofU32(8, 9))).answering(Nr.CLOSE, value(0))
        .answering(Nr.TEE, value(3)).answering(Nr.READ, new Answer(2, Map.of(1, Bytes.cString("ab"))))
        .answering(Nr.READ, new Answer(1, Map.of(1, Bytes.cString("c"))));

    PipeBody.State state = kind.checkpoint(new Ends(List.of(file)));

    assertThat(state.packets()).containsExactly(2, 1);
    assertThat(state.content().length()).isEqualTo(3);
  }
}
