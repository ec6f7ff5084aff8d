package stasis.kinds.body.pty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import stasis.image.ObjectId;
import stasis.kinds.body.pty.PtyBody.Pty;
import stasis.kinds.body.pty.PtyBody.State;
import stasis.kinds.body.pty.PtyBody.Stopped;
import stasis.kinds.body.pty.PtyBody.Time;
import stasis.kinds.fake.AspectContract;
import stasis.kinds.fake.FakeHost;
import stasis.kinds.fake.FakeOpenFile;
import stasis.kinds.file.Ptys;
import stasis.linux.abi.Bytes;
import stasis.linux.abi.Nr;
import stasis.linux.abi.PathBytes;
import stasis.procfs.Device;
import stasis.procfs.FileStat;
import stasis.resource.Answer;
import stasis.resource.BodyKey;
import stasis.resource.BodyView;
import stasis.resource.Kind;
import stasis.resource.Loss;
import stasis.resource.Mapping;
import stasis.resource.ObstructedException;
import stasis.resource.OpenFile;

class PtyBodyTest extends AspectContract<PtyBody.State> {
  private final PtyBody kind = new PtyBody();

  @Override
  protected Kind<PtyBody.State> kind() {
    return kind;
  }

  private static Pty pty(int number, boolean hungUp, Bytes termios) {
    return new Pty(number, PathBytes.of("/dev/ptmx"), true, hungUp, termios, Bytes.zeros(36).withU32(0, 1),
        Bytes.ofU64(80), true, true, true, 0620, 1, 5, new Time(3, 4), new Time(5, 6),
        hungUp ? Stopped.NOT : Stopped.TYPED, !hungUp, true, hungUp ? Optional.empty() : Optional.of("task 812 (vi)"),
        Optional.empty());
  }

  private static final PtyQueues UNREAD = new PtyQueues(Bytes.cString("output"), Bytes.cString("one\ntw"),
      Bytes.hex("08"), 4, false, false, false);

  private static Pty with(PtyQueues queues, int number) {
    Pty pty = pty(number, false, Bytes.zeros(44).withU32(12, 2));
    return new Pty(pty.number(), pty.master(), true, false, pty.termios(), pty.lockedTermios(), pty.size(), false, false,
        false, 0620, 1, 5, pty.accessed(), pty.modified(), Stopped.TYPED, false, false, Optional.empty(),
        Optional.of(queues));
  }

  /// Number 1 is free on the fake host, 0 is not.
  @Override
  protected State sample() {
    return new State(List.of(pty(2, false, Bytes.zeros(44).withU32(12, 2)), pty(3, true, Bytes.zeros(44)),
        with(UNREAD, 4)));
  }

  @Test
  void numbersAreInOrder() {
    assertThatThrownBy(() -> new State(List.of(pty(2, false, Bytes.zeros(44)), pty(2, false, Bytes.zeros(44)))))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void whatWasTypedAndNotEndedIsTold() {
    assertThat(kind.losses(sample())).extracting(Loss::detail).anyMatch(text -> text.contains("typed at /dev/pts/2"));
  }

  @Test
  void whatNoCallShowsAndWhoIsHungUpIsTold() {
    assertThat(kind.losses(new State(List.of(pty(2, false, Bytes.zeros(44)))))).extracting(Loss::detail)
        .satisfiesExactly(stop -> assertThat(stop).contains("^S"),
            outside -> assertThat(outside).contains("task 812 (vi)"), status -> assertThat(status).contains("packet"));
  }

  @Test
  void unreadOutputIsRefused() {
    FakeOpenFile master = new FakeOpenFile("/dev/ptmx", new FileStat(Device.NONE, 7, FileStat.S_IFCHR, 1,
        new Device(5, 2), 0, Instant.EPOCH), "02", "tty-index:\t7")
        .answering(Nr.IOCTL, new Answer(0, Map.of(2, Bytes.ofU32(12))));
    BodyView view = new BodyView() {
      @Override
      public ObjectId id() {
        return new ObjectId(9);
      }

      @Override
      public BodyKey key() {
        return Ptys.BODY;
      }

      @Override
      public List<OpenFile> files() {
        return List.of(master);
      }

      @Override
      public List<Mapping> mappings() {
        return List.of();
      }

      @Override
      public String subject() {
        return master.subject();
      }
    };

    assertThatThrownBy(() -> kind.checkpoint(view)).isInstanceOf(ObstructedException.class)
        .hasMessageContaining("12 bytes");
  }

  @Test
  void whatStandsForItselfIsTypedAsItIsAndTheRestByMarks() {
    // "a|b;" ends a line by '|', then a literal newline and '|', an end of file, and a beginning.
    PtyQueues queues = new PtyQueues(Bytes.EMPTY, Bytes.hex("617c0a7c620063"), Bytes.hex("22"), 6, false, false, false);
    PtyQueues.Typing typing = queues.typing(true).orElseThrow();

    assertThat(typing.marks()).containsExactly(1, 2, 3, 4);
    assertThat(typing.characters()).isEqualTo(Bytes.EMPTY);
    assertThat(typing.lines()).isEqualTo(Bytes.hex("617c040a047c620363"));
    assertThat(typing.lineEnds()).containsExactly((int) '|');
  }

  @Test
  void whatWasThereBeforeLinesBeganComesFirst() {
    PtyQueues queues = new PtyQueues(Bytes.EMPTY, Bytes.cString("old!l\nx"), Bytes.hex("28"), 6, true, false, false);
    PtyQueues.Typing typing = queues.typing(true).orElseThrow();

    assertThat(typing.characters().latin1()).isEqualTo("old!");
    assertThat(typing.lines().length()).isEqualTo(4);
  }

  @Test
  void inputWithEveryCharacterLeavesNoMarks() {
    byte[] all = new byte[256];
    for (int i = 0; i < all.length; i++) {
      all[i] = (byte) i;
    }
    PtyQueues queues = new PtyQueues(Bytes.EMPTY, Bytes.of(all), Bytes.zeros(32), 0, false, false, false);

    assertThat(queues.typing(false)).isEmpty();
    assertThat(kind.obstacles(new State(List.of(with(queues, 2))), new FakeHost())).hasSize(1);
    assertThat(kind.obstacles(sample(), new FakeHost())).isEmpty();
  }

  @Test
  void aNumberThatIsTakenIsNamed() {
    assertThat(kind.obstacles(new State(List.of(pty(0, true, Bytes.zeros(44)))),
        new FakeHost().file("/dev/pts/0", 020620)))
        .singleElement().satisfies(obstacle -> assertThat(obstacle.text()).contains("/dev/pts/0", "another's by now"));
  }

  @Test
  void whatTheKernelShowsIsNotTold() {
    assertThat(kind.losses(new State(List.of(with(UNREAD, 2))))).isEmpty();
  }
}
