package stasis.kinds.file.outsidepipe;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.kinds.Outside;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.Kind;
import stasis.resource.Loss;

class OutsidePipeTest extends AspectContract<OutsidePipe.State> {
  private final OutsidePipe kind = new OutsidePipe(Outside.Pipes.NULL);

  @Override
  protected Kind<OutsidePipe.State> kind() {
    return kind;
  }

  @Override
  protected OutsidePipe.State sample() {
    return new OutsidePipe.State("pipe:[4711]", "a task outside", 1, false, 0);
  }

  private static FakeOpenFile end(String flags) {
    return new FakeOpenFile("pipe:[4711]", FileStat.S_IFIFO | 0600, 1, flags).at(7)
        .answering(Nr.IOCTL, new Answer(0, Map.of(2, Bytes.ofU32(5))));
  }

  @Test
  void isTakenOnlyWhereItsUserSaysWhereItShallLead() {
    assertThat(kind.recognises(end("01"))).isTrue();
    assertThat(new OutsidePipe(Outside.Pipes.REFUSE).recognises(end("01"))).isFalse();
    assertThat(kind.recognises(end("01").with(end("00")))).isFalse();
    assertThat(kind.checkpoint(end("01"))).isEqualTo(sample());
  }

  @Test
  void whereItLeadsAndWhatIsLostIsTold() {
    OutsidePipe.State reader = new OutsidePipe(Outside.Pipes.INHERIT).checkpoint(end("00"));

    assertThat(kind.losses(reader)).singleElement().extracting(Loss::detail).asString()
        .contains("standard input", "5 bytes");
    assertThat(kind.losses(sample())).singleElement().extracting(Loss::detail).asString().contains("/dev/null");
  }
}
