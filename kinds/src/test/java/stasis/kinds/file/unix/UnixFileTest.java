package stasis.kinds.file.unix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.file.SocketOption;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;
import stasis.resource.UnixSocket;

class UnixFileTest extends AspectContract<UnixFile.State> {
  private final UnixFile kind = new UnixFile();

  @Override
  protected Kind<UnixFile.State> kind() {
    return kind;
  }

  @Override
  protected UnixFile.State sample() {
    return new UnixFile.State(new ObjectId(30), new ObjectId(9), 04002,
        List.of(new SocketOption(7, Bytes.ofU32(65536)), new SocketOption(13, Bytes.ofU32(1, 5)),
            new SocketOption(16, Bytes.ofU32(1))), Bytes.ofU64(6), new UnixFile.Attributes(0700, 1, 2));
  }

  private static FakeOpenFile socket(int fd, Optional<Long> peer) {
    return new FakeOpenFile("socket:[7]", FileStat.S_IFSOCK | 0777, 1, "02").at(fd)
        .answering(Nr.GETSOCKOPT, new Answer(0, Map.of(3, Bytes.ofU32(1))))
        .socket(new UnixSocket(1, 1, 7, Bytes.EMPTY, Optional.empty(), peer, List.of(), List.of(), 0, 0, 0, List.of()));
  }

  @Test
  void standardInputWithItsPeerOutsideFollowsItsOwnRule() {
    assertThat(kind.recognises(socket(0, Optional.of(8L)))).isFalse();
    assertThat(kind.recognises(socket(0, Optional.empty()))).isTrue();
    assertThat(kind.recognises(socket(3, Optional.of(8L)))).isTrue();
  }

  @Test
  void aSocketThatATaskOutsideHasToIsRefusedByItsName() {
    assertThatThrownBy(() -> kind.checkpoint(socket(3, Optional.empty()).heldElsewhere()))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("task 812 (dbus-daemon)");
  }
}
