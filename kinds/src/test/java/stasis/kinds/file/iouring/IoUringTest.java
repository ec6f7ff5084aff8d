package stasis.kinds.file.iouring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import stasis.image.ObjectId;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.fake.MemoryContract;
import stasis.linux.abi.Fd;
import stasis.linux.abi.RemoteAddress;
import stasis.resource.FileKind;
import stasis.resource.HiddenRing;
import stasis.resource.ObstructedException;
import stasis.resource.Script;

class IoUringTest extends MemoryContract<IoUring.State> {
  private static final String[] IDLE = {"SqMask:\t0x7", "SqHead:\t0", "SqTail:\t3", "CachedSqHead:\t0", "CqMask:\t0xf",
      "CqHead:\t0", "CqTail:\t0", "CachedCqTail:\t0", "SQEs:\t0", "CQEs:\t0",
      "SqThread:\t-1", "SqThreadCpu:\t-1", "UserFiles:\t0", "UserBufs:\t0", "PollList:", "CqOverflowList:",
      "NAPI:\tdisabled"};

  private static FakeOpenFile idle() {
    return new FakeOpenFile("anon_inode:[io_uring]", 0600, 1, "02000002", IDLE);
  }

  private static HiddenRing ring(int flags, String... parts) {
    return new HiddenRing(flags, List.of(parts), new HiddenRing.Counters(0, 4, 8, 12), Optional.empty(), List.of(),
        Optional.empty());
  }

  @Override
  protected FileKind<IoUring.State> kind() {
    return new IoUring();
  }

  @Override
  protected IoUring.State sample() {
    return new IoUring.State(8, 16, 0x80, 2, 0, List.of(), List.of(), Optional.empty());
  }

  @Override
  protected void program(Script script) {
    kind().restore(sample(), script, REFS);
    IoUring.State registered = new IoUring.State(8, 16, 0x1080, 2, 3,
        List.of(new IoUring.Registered(1, new ObjectId(30))),
        List.of(new IoUring.Buffer(new RemoteAddress(0x7000), 4096), new IoUring.Buffer(new RemoteAddress(0), 0)),
        Optional.of(new IoUring.Event(new ObjectId(31), true)));
    kind().restore(registered, script, REFS);
    kind().connect(registered, new Fd(9), script, REFS);
  }

  @Test
  void itsSizesAndFlagsAreTaken() throws ObstructedException {
    assertThat(kind().checkpoint(idle().ring(ring(0x80)))).isEqualTo(sample());
  }

  @Test
  void whatItHasThatNoCallTellsIsRefusedByName() {
    assertThatThrownBy(() -> kind().checkpoint(idle().ring(ring(0, "2 requests in flight"))))
        .isInstanceOf(ObstructedException.class).hasMessageContaining("2 requests in flight");
    assertThatThrownBy(() -> kind().checkpoint(idle())).hasMessageContaining("CAP_BPF");
  }

  @Test
  void whatIsRegisteredIsTakenWithWhatTheProgramHas() throws ObstructedException {
    var lines = new ArrayList<>(List.of(IDLE));
    lines.removeIf(line -> line.startsWith("User"));
    lines.addAll(lines.indexOf("PollList:"), List.of("UserFiles:\t3", "    1: /dev/null", "UserBufs:\t2",
        "    0: 0x7000/4096", "    1: <none>"));
    var file = new FakeOpenFile("anon_inode:[io_uring]", 0600, 1, "02000002", lines.toArray(String[]::new));
    var slots = List.of(new HiddenRing.Slot(1, Optional.of(new ObjectId(30))));
    IoUring.State state = kind().checkpoint(file.ring(new HiddenRing(0x80, List.of(), new HiddenRing.Counters(0, 4, 8,
        12), Optional.empty(), slots, Optional.of(new HiddenRing.Event(Optional.of(new ObjectId(31)), false)))));
    assertThat(state.slots()).isEqualTo(3);
    assertThat(state.files()).containsExactly(new IoUring.Registered(1, new ObjectId(30)));
    assertThat(state.buffers()).containsExactly(new IoUring.Buffer(new RemoteAddress(0x7000), 4096),
        new IoUring.Buffer(new RemoteAddress(0), 0));
    assertThat(kind().needs(state)).containsExactlyInAnyOrder(new ObjectId(30), new ObjectId(31));
    var closed = List.of(new HiddenRing.Slot(1, Optional.empty()));
    assertThatThrownBy(() -> kind().checkpoint(file.ring(new HiddenRing(0x80, List.of(), new HiddenRing.Counters(0, 4,
        8, 12), Optional.empty(), closed, Optional.empty())))).hasMessageContaining("registered as 1");
  }

  @Test
  void aThreadThatPollsIsRefused() {
    assertThatThrownBy(() -> kind().checkpoint(idle().ring(ring(2)))).hasMessageContaining("flags 0x2");
  }

  @ParameterizedTest
  @CsvSource({"'UserBufs:\t1', IORING_REGISTER_BUFFERS", "'CachedSqHead:\t3', not mapped any more",
      "'Personalities:', IORING_REGISTER_PERSONALITY", "'NAPI:\tenabled', IORING_REGISTER_NAPI"})
  void whatIsRegisteredIsRefusedByName(String line, String name) {
    String key = line.substring(0, line.indexOf(':') + 1);
    var lines = new ArrayList<>(List.of(IDLE));
    lines.removeIf(one -> one.startsWith(key));
    lines.add(line);
    var file = new FakeOpenFile("anon_inode:[io_uring]", 0600, 1, "02000002", lines.toArray(String[]::new));
    assertThatThrownBy(() -> kind().checkpoint(file.ring(ring(0)))).hasMessageContaining(name);
  }
}
