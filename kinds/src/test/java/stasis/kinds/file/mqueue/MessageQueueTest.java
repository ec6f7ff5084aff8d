package stasis.kinds.file.mqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeOpenFile;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.HiddenNotice;
import stasis.resource.Kind;
import stasis.resource.ObstructedException;

class MessageQueueTest extends AspectContract<MessageQueue.State> {
  private static final ObjectId BODY = new ObjectId(2000);
  private static final Bytes COOKIE = Bytes.zeros(24).concat(Bytes.ofU64(7));

  private final MessageQueue kind = new MessageQueue();

  private static FakeOpenFile queue(String link, int links, String flags, int notified) {
    return new FakeOpenFile(link, FileStat.S_IFREG | 0640, links, flags).magic(0x19800202L)
        .answering(Nr.PREAD64, new Answer(60, Map.of(1, Bytes.cString("QSIZE:8          NOTIFY:0     SIGNO:10    "
            + "NOTIFY_PID:" + notified + "     \n"))));
  }

  @Override
  protected Kind<MessageQueue.State> kind() {
    return kind;
  }

  @Override
  protected MessageQueue.State sample() {
    return new MessageQueue.State("work", 04002, 12, false,
        Optional.of(new MessageQueue.Notice(new ObjectId(1), 0, 10, 77, Optional.empty())), Optional.of(BODY),
        Optional.empty());
  }

  @Test
  void isOpenedAgainByItsName() throws ObstructedException {
    FakeOpenFile file = queue("/work", 1, "02004002", 0);
    assertThat(kind.recognises(file)).isTrue();
    assertThat(kind.checkpoint(file)).isEqualTo(new MessageQueue.State("work", 04002, 0, false, Optional.empty(),
        Optional.of(BODY), Optional.empty()));
    assertThat(kind.recognises(queue("/dev/mqueue/work", 1, "02", 0))).isFalse();
  }

  @Test
  void ofOneOpenForWritingOnlyANotificationIsNotSeen() throws ObstructedException {
    MessageQueue.State state = kind.checkpoint(queue("/work", 1, "02000001", 0));
    assertThat(kind.losses(state)).hasSize(1);
    assertThat(kind.losses(sample()).toString()).contains("notifies nobody");
  }

  @Test
  void anUnlinkedOneIsOpenedByItsBody() throws ObstructedException {
    MessageQueue.State state = kind.checkpoint(queue("/work (deleted)", 0, "02", 0));
    assertThat(state.opened()).contains(new ObjectId(30));
    assertThat(kind.needs(state)).containsExactly(BODY);
    assertThat(explain(state)).isEmpty();
  }

  @Test
  void aThreadIsToldThroughItsSocketAgain() throws ObstructedException {
    FakeOpenFile socket = new FakeOpenFile("socket:[77]", new FileStat(Device.NONE, 77, FileStat.S_IFSOCK, 1,
        Device.NONE, 0, Instant.EPOCH), "02").as(31);
    HiddenNotice notice = new HiddenNotice(2, 0, 0, COOKIE, 77);
    MessageQueue.State state = kind.checkpoint(queue("/work", 1, "02", 4711).with(socket).notice(notice));
    assertThat(state.notice().orElseThrow().thread()).contains(new MessageQueue.Helper(new ObjectId(31), COOKIE));
    assertThat(explain(state)).contains("(64 bytes){+0=&00000000");
    assertThatThrownBy(() -> kind.checkpoint(queue("/work", 1, "02", 4711).notice(notice)))
        .hasMessageContaining("closed");
  }

  @Test
  void aNotificationOfTheProgramIsTakenOneOfAnotherIsNot() throws ObstructedException {
    assertThatThrownBy(() -> kind.checkpoint(queue("/work", 1, "02", 4711))).hasMessageContaining("notify task 4711");
    HiddenNotice notice = new HiddenNotice(0, 10, 77, Bytes.EMPTY, 0);
    assertThat(kind.checkpoint(queue("/work", 1, "02", 4711).notice(notice)).notice())
        .contains(new MessageQueue.Notice(new ObjectId(1), 0, 10, 77, Optional.empty()));
    assertThat(kind.checkpoint(queue("/work", 1, "02", 999)).name()).isEqualTo("work");
  }
}
