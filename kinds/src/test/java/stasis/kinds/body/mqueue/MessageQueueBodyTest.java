package stasis.kinds.body.mqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.body.mqueue.MessageQueueBody.Opened;
import stasis.kinds.body.mqueue.MessageQueueBody.State;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeBody;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.ipc.PosixQueue;
import stasis.kinds.ipc.PosixQueue.Message;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.HiddenMessage;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class MessageQueueBodyTest extends AspectContract<State> {
  private static final Bytes TEXT = Bytes.cString("hello");

  private final MessageQueueBody kind = new MessageQueueBody();

  /// Of user 1000, with room for 8 messages of 100 bytes.
  private static FakeOpenFile queue(int links, int waiting) {
    return new FakeOpenFile(links == 0 ? "/work (deleted)" : "/work", FileStat.S_IFREG | 0640, links, "02")
        .magic(0x19800202L)
        .answering(Nr.MQ_GETSETATTR, new Answer(0, Map.of(2, Bytes.ofU64(0, 8, 100, waiting, 0, 0, 0, 0))))
        .answering(Nr.STATX, new Answer(0, Map.of(4, Bytes.zeros(256).withU32(20, 1000).withU32(24, 100))));
  }

  private State described(FakeOpenFile file) throws ObstructedException {
    return kind.checkpoint(new FakeBody(new ObjectId(9)).open(file));
  }

  @Override
  protected Kind<State> kind() {
    return kind;
  }

  @Override
  protected State sample() {
    return new State(new PosixQueue("work", 8, 100, 0640, 1000, 100, true,
        List.of(new Message(5, TEXT), new Message(1, Bytes.EMPTY))), 2, true, false, false,
        List.of(new Opened(new ObjectId(30), 2)));
  }

  @Test
  void whatWaitsIsInIt() throws ObstructedException {
    assertThat(described(queue(0, 2).waiting(new HiddenMessage(5, TEXT), new HiddenMessage(1, Bytes.EMPTY))))
        .isEqualTo(sample());
  }

  @Test
  void anUnlinkedOneThatCannotBeLookedIntoIsRefusedUnlessItIsEmpty() throws ObstructedException {
    assertThatThrownBy(() -> described(queue(0, 1))).hasMessageContaining("CAP_BPF");
    assertThatThrownBy(() -> described(queue(0, 2).waiting(new HiddenMessage(5, TEXT))))
        .hasMessageContaining("cannot be looked at");
    assertThat(described(queue(0, 0)).queue().messages()).isEmpty();
  }

  @Test
  void anUnlinkedOneThatIsOpenOutsideIsRefused() {
    assertThatThrownBy(() -> described(queue(0, 0).heldElsewhere())).hasMessageContaining("dbus-daemon");
  }

  @Test
  void oneWithANameIsMadeAgainOnlyWhereItIsGone() throws ObstructedException {
    State unseen = described(queue(1, 1));
    assertThat(kind.obstacles(unseen, new FakeHost())).hasSize(1);
    assertThat(kind.obstacles(unseen, new FakeHost().queue("work"))).isEmpty();
    assertThat(kind.losses(unseen, new FakeHost().queue("work"))).isEmpty();
    assertThat(explain(described(queue(1, 0)))).doesNotContain("mq_unlink");
  }

  @Test
  void itsOldNameMayBeAnothersNow() {
    assertThat(kind.losses(sample(), new FakeHost().queue("work")).toString()).contains("another queue's");
    assertThat(kind.losses(sample(), new FakeHost())).hasSize(1);
  }
}
