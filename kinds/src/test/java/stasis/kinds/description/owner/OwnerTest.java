package stasis.kinds.description.owner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class OwnerTest extends AspectContract<SignalOwner.State> {
  private static final int GROUP = 2;
  private final SignalOwner kind = new SignalOwner();

  @Override
  protected Kind<SignalOwner.State> kind() {
    return kind;
  }

  @Override
  protected SignalOwner.State sample() {
    return new SignalOwner.State(Optional.of(new SignalOwner.Owner(GROUP, 4711, 1000, 7)), 37, 020002);
  }

  private static FakeOpenFile file(String flags) {
    return new FakeOpenFile("pipe:[7]", FileStat.S_IFIFO | 0600, 1, flags);
  }

  @Test
  void mostFilesTellNobody() throws ObstructedException {
    FakeOpenFile file = file("00").answering(Nr.FCNTL, output(2, Bytes.ofU32(0, 0))).answering(Nr.FCNTL, value(0));

    assertThat(kind.checkpoint(file)).isEmpty();
  }

  @Test
  void whoIsToldAndAsWhom() throws ObstructedException {
    FakeOpenFile file = file("020002").answering(Nr.FCNTL, output(2, Bytes.ofU32(GROUP, 4711)))
        .answering(Nr.FCNTL, value(37)).answering(Nr.FCNTL, output(2, Bytes.ofU32(1000, 7)));

    assertThat(kind.checkpoint(file)).contains(sample());
  }

  @Test
  void whoIsOutsideIsRefused() {
    FakeOpenFile file = file("020002").answering(Nr.FCNTL, output(2, Bytes.ofU32(GROUP, 99)))
        .answering(Nr.FCNTL, value(0));

    assertThatThrownBy(() -> kind.checkpoint(file)).isInstanceOf(ObstructedException.class).hasMessageContaining("99");
  }
}
