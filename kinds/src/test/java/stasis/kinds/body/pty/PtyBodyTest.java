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
        hungUp ? Stopped.NOT : Stopped.TYPED, !hungUp, true, hungUp ? Optional.empty() : Optional.of("task 812 (vi)"));
  }

  /// Number 1 is free on the fake host, 0 is not.
  @Override
  protected State sample() {
    return new State(List.of(pty(2, false, Bytes.zeros(44).withU32(12, 2)), pty(3, true, Bytes.zeros(44))));
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
}
