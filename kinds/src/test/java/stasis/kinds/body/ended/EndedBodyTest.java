package stasis.kinds.body.ended;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeBody;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.resource.Answer;
import stasis.resource.Kind;

class EndedBodyTest extends AspectContract<EndedBody.State> {
  private final EndedBody kind = new EndedBody();

  @Override
  protected Kind<EndedBody.State> kind() {
    return kind;
  }

  @Override
  protected EndedBody.State sample() {
    return new EndedBody.State(List.of(0, 0200), 15);
  }

  private static FakeOpenFile pidfd(int id, String flags) {
    return new FakeOpenFile("anon_inode:[pidfd]", 0100600, 1, flags, "Pid:\t-1", "NSpid:\t-1").magic(0x50494446).as(id);
  }

  @Test
  void pidfdsOfOneTaskAreInTheOrderOfTheirObjects() {
    FakeOpenFile second = pidfd(31, "02000202");
    FakeOpenFile first = pidfd(30, "02000002").answering(Nr.IOCTL,
        new Answer(0, Map.of(2, Bytes.zeros(64).withU64(0, 9).withU32(60, 15))));

    assertThat(kind.checkpoint(new FakeBody(new ObjectId(9)).open(second).open(first))).isEqualTo(sample());
  }

  @Test
  void aKernelThatDoesNotTellHowItEndedIsNoObstacle() {
    assertThat(kind.checkpoint(new FakeBody(new ObjectId(9)).open(pidfd(30, "02004002"))))
        .isEqualTo(new EndedBody.State(List.of(04000), 0));
  }

  @Test
  void aCoreThatWasWrittenIsNotWrittenAgain() {
    assertThat(kind.losses(sample())).isEmpty();
    assertThat(kind.losses(new EndedBody.State(List.of(0), 0x8b))).hasSize(1);
  }
}
